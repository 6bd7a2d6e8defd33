//! What subjects may do: asked of organization, and forgotten when its stream tells of a change.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::organization::v1::member_service_client::MemberServiceClient;
use rolecall_api::organization::v1::membership_service_client::MembershipServiceClient;
use rolecall_api::organization::v1::{
    GetSubjectAccessRequest, GetSubjectAccessResponse, PermissionScope, SessionLimits as WireLimits,
    SubjectKind as WireKind, WatchAccessChangesRequest, WatchAccessChangesResponse,
};
use rolecall_authz::{AccessCache, AccessError, AccessSource, ScopeKind, SessionLimits, SubjectAccess, SubjectKind};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_rpc::channel::Channel;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::{Ended, keep_up, next};

/// The role that administers the instance.
const ADMIN: &str = "ADMIN";

/// Asks organization, wherever it is.
pub(crate) struct PeerAccess(pub(crate) Channel);

#[async_trait::async_trait]
impl AccessSource for PeerAccess {
    async fn subject_access(&self, subject: SubjectId) -> Result<Option<SubjectAccess>, AccessError> {
        let request = GetSubjectAccessRequest { subject_id: subject.to_string() };
        match MembershipServiceClient::new(self.0.clone()).get_subject_access(request).await {
            Ok(answer) => read(subject, answer.into_inner()).map(Some),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(AccessError::unavailable(status)),
        }
    }
}

fn read(subject: SubjectId, answer: GetSubjectAccessResponse) -> Result<SubjectAccess, AccessError> {
    let kind = match answer.kind() {
        WireKind::User => SubjectKind::User,
        WireKind::ServiceAccount => SubjectKind::ServiceAccount,
        WireKind::Guest => SubjectKind::Guest,
        WireKind::Unspecified => return Err(AccessError::unavailable("organization tells no kind of subject")),
    };
    let organization_id = match answer.organization_id.as_str() {
        "" => None,
        id => Some(OrganizationId::parse(id).map_err(AccessError::unavailable)?),
    };
    let grants = answer.grants.iter().filter_map(|grant| Some((grant.permission.clone(), scope(grant.scope())?)));
    Ok(SubjectAccess {
        subject,
        kind,
        organization_id,
        organization_active: answer.active,
        admin: answer.roles.iter().any(|role| role == ADMIN),
        blocked: answer.blocked || !answer.active,
        grants: grants.collect(),
        roles: answer.roles,
        session_limits: session_limits(kind, answer.session_limits)?,
        revision: answer.revision,
    })
}

/// Reads how long sessions last. An organization of an older version tells it of nobody; to take that for "as long as the
/// instance allows" would loosen what an organization has tightened.
fn session_limits(kind: SubjectKind, limits: Option<WireLimits>) -> Result<SessionLimits, AccessError> {
    let limits = match (kind, limits) {
        (_, Some(limits)) => limits,
        (SubjectKind::User, None) => return Err(AccessError::unavailable("organization tells no session limits")),
        (SubjectKind::ServiceAccount | SubjectKind::Guest, None) => WireLimits::default(),
    };
    let read = |duration: Option<prost_types::Duration>| {
        duration.map(|duration| Duration::try_from(duration).map_err(AccessError::unavailable)).transpose()
    };
    Ok(SessionLimits { idle: read(limits.idle)?, absolute: read(limits.absolute)? })
}

/// A scope that this version does not know grants nothing.
fn scope(scope: PermissionScope) -> Option<ScopeKind> {
    match scope {
        PermissionScope::Unspecified => None,
        PermissionScope::All => Some(ScopeKind::Any),
        PermissionScope::OwnOrganization => Some(ScopeKind::Own),
        PermissionScope::Self_ => Some(ScopeKind::SelfOnly),
        PermissionScope::Related => Some(ScopeKind::Related),
    }
}

/// Follows the changes until the shutdown.
pub(crate) async fn follow_access(
    channel: Channel,
    cache: AccessCache,
    entropy: Arc<dyn Entropy>,
    shutdown: CancellationToken,
) {
    let follower = Follower { channel, cache, token: std::sync::Mutex::default() };
    keep_up("access changes", entropy, shutdown, || follower.run()).await;
}

struct Follower {
    channel: Channel,
    cache: AccessCache,
    token: std::sync::Mutex<String>,
}

impl Follower {
    async fn run(&self) -> Ended {
        let resume_token = self.token();
        let mut begins_anew = resume_token.is_empty();
        let request = WatchAccessChangesRequest { resume_token };
        let mut stream = match MemberServiceClient::new(self.channel.clone()).watch_access_changes(request).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return Ended::Never(self.give_up(status)),
        };
        let mut heard = false;
        loop {
            match next(&mut stream).await {
                Ok(message) => {
                    heard = true;
                    begins_anew &= !self.take(message, begins_anew);
                }
                Err(status) if heard => return Ended::After(self.give_up(status)),
                Err(status) => return Ended::Never(self.give_up(status)),
            }
        }
    }

    /// Obeys a message; `false` when it cannot be believed.
    fn take(&self, message: WatchAccessChangesResponse, begins_anew: bool) -> bool {
        let Ok(revision) = message.revision.parse() else {
            // Without its revision a message cannot be believed; the silence that follows is noticed.
            tracing::warn!("a change of access came without a revision");
            return false;
        };
        if begins_anew {
            // What was read before a stream that begins now may have been changed before it began.
            self.cache.resync(revision);
        }
        let subjects = message.subject_ids.iter().map(|id| SubjectId::parse(id));
        let unreadable = subjects.fold(false, |unreadable, subject| match subject {
            Ok(subject) => {
                self.cache.invalidate(subject, revision);
                unreadable
            }
            Err(_) => true,
        });
        if unreadable {
            self.cache.invalidate_all();
        }
        if !message.organization_ids.is_empty() {
            // Who belongs to an organization is not known here.
            self.cache.invalidate_all_before(revision);
        }
        self.cache.checkpoint(revision);
        self.set_token(message.resume_token);
        true
    }

    /// A token that is too old means that changes were missed.
    fn give_up(&self, status: Status) -> Status {
        if status.code() == Code::OutOfRange {
            self.cache.invalidate_all();
            self.set_token(String::new());
        }
        status
    }

    fn token(&self) -> String {
        self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn set_token(&self, token: String) {
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_without_session_limits_is_not_taken_for_one_without_limits() {
        let subject = SubjectId::parse("01890a5d-ac96-774b-bcce-b302099a8057").expect("an id");
        let answer = |kind: WireKind, session_limits| {
            let answer = GetSubjectAccessResponse { kind: kind.into(), session_limits, ..Default::default() };
            read(subject, answer).map(|access| access.session_limits)
        };
        let told = WireLimits { idle: Some(prost_types::Duration { seconds: 300, nanos: 0 }), absolute: None };
        let read = answer(WireKind::User, Some(told)).expect("told");
        assert_eq!((read.idle, read.absolute), (Some(Duration::from_mins(5)), None));
        answer(WireKind::User, None).expect_err("an older organization");
        answer(WireKind::ServiceAccount, None).expect("it has no sessions");
    }
}
