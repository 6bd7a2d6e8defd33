//! Changes an account: profile, address, roles; all that is given, or nothing.
//!
//! Everything is checked first. Organization changes the roles before anything is stored here, since
//! it alone can refuse them; what is stored here is one transaction. When that is refused after all,
//! because somebody else took the address, the roles are taken back. Changes of the roles of one
//! person come one after the other, so that none takes back what another one gave. A crash in between
//! leaves the roles changed and the rest undone: the same request, repeated, finds the roles done and
//! ends the work.

mod judge;
mod store;

use std::time::Duration;

use rolecall_authz::Scope;
use rolecall_db::{Lease, leases};
use rolecall_kernel::id::{SagaId, SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::equals::take_unfit;
use super::fault::Fault;
use super::once::{Answer, Once, take_repeats};
use super::{Resources, revoke};
use crate::domain::user::{Membership, UserView};
use crate::domain::user_change::ProfileChange;
use crate::peers::{PeerError, Refusal, RoleChange};
use crate::store::USERS_EMAIL_KEY;

/// How often the work begins anew when somebody else changed the roles meanwhile.
const TRIES: u32 = 5;
/// How often, and after which pauses, it is looked whether the work before has come to its end.
const CLAIMS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// The role that is not an organization's to give.
const ADMIN: &str = "ADMIN";

/// Where the actor may change what.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    /// The profile.
    pub(crate) update: Scope,
    /// The address.
    pub(crate) set_email: Scope,
    /// The roles.
    pub(crate) assign_roles: Scope,
}

/// What changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    /// The profile.
    pub(crate) profile: ProfileChange,
    /// Another address.
    pub(crate) email: Option<EmailAddress>,
    /// Other roles, in alphabetical order.
    pub(crate) roles: Option<Vec<String>>,
    /// Whether the fields were not named: a value that is the current one is then none that was given.
    pub(crate) implied: bool,
}

/// Who changes what of whom.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who.
    pub(crate) actor: SubjectId,
    /// When it last proved who it is.
    pub(crate) proved: Timestamp,
    /// Where it may.
    pub(crate) rights: Rights,
    /// Whose account.
    pub(crate) user_id: UserId,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    /// What changes.
    pub(crate) change: Change,
    /// Checks everything and changes nothing.
    pub(crate) validate_only: bool,
    /// The name of the change.
    pub(crate) once: Option<Once<UserView>>,
}

/// Why the account stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// The account changed since that version; this is its version now.
    #[error("the account has changed to {0}")]
    EtagMismatch(String),
    /// A given field needs this permission on the account.
    #[error("the actor lacks {0}")]
    PermissionMissing(&'static str),
    /// The own address or the own roles.
    #[error("nobody does this to itself")]
    SelfRefused,
    /// The person is an equal of the actor, or stands above it.
    #[error("equals cannot take each other over")]
    EqualProtected,
    /// The person is an owner, and the actor proved too long ago who it is.
    #[error("the actor must prove once more who it is")]
    StepUpRequired,
    /// The address belongs to another account.
    #[error("the address is taken")]
    EmailTaken,
    /// One of the roles is none that can be given.
    #[error("a role is unknown")]
    RoleUnknown,
    /// One of the roles is beyond what the actor may give or take.
    #[error("a role is not grantable")]
    RoleNotGrantable,
    /// Nobody who can act would be in charge.
    #[error("the last holder stays")]
    LastHolder,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Somebody else changed the roles meanwhile; the work begins anew.
    #[error("the roles changed meanwhile")]
    RolesMoved,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_repeats!(Error);
take_unfit!(Error);

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        if error.violates(USERS_EMAIL_KEY) { Self::EmailTaken } else { Self::Fault(error.into()) }
    }
}

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::SelfRefused) => Self::SelfRefused,
            PeerError::Refused(Refusal::LastHolder) => Self::LastHolder,
            PeerError::Refused(Refusal::EtagMismatch) => Self::RolesMoved,
            PeerError::Refused(Refusal::RoleNotGrantable) => Self::RoleNotGrantable,
            PeerError::Refused(Refusal::ActorNotEntitled) => Self::PermissionMissing(judge::ASSIGN_ROLES),
            PeerError::Refused(Refusal::RequestInvalid) => Self::RoleUnknown,
            PeerError::Refused(Refusal::NotFound) => Self::UserNotFound,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

/// Changes the account.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<UserView>, Error> {
    let mut tried = 0;
    loop {
        tried += 1;
        if let Some(stored) = Once::find(command.once.as_ref(), &resources.db.reader()).await? {
            return Ok(Answer::Stored(stored));
        }
        let changes_roles = command.change.roles.is_some() && !command.validate_only;
        let done =
            if changes_roles { alone(resources, command).await } else { attempt(resources, command, None).await };
        match done {
            Ok(view) => return Ok(Answer::Fresh(view)),
            Err(Error::RolesMoved) if tried < TRIES => {}
            Err(Error::RolesMoved) => return Err(rolecall_db::Error::Conflict.into()),
            // A parallel run of the same request may have come to its end; then that is the answer.
            Err(error) => {
                let stored = Once::find(command.once.as_ref(), &resources.db.reader()).await?;
                return stored.map(Answer::Stored).ok_or(error);
            }
        }
    }
}

/// Makes an attempt while nobody else changes the roles of the person by this way.
async fn alone(resources: &Resources, command: &Command) -> Result<UserView, Error> {
    let lease = claim(resources, command.user_id).await?;
    let done = attempt(resources, command, Some(&lease)).await;
    if let Err(error) = leases::release(&resources.db, lease).await {
        tracing::warn!(%error, "a lease could not be given back; it ends by itself");
    }
    done
}

/// Waits for its turn; a worker that is gone is waited for no longer than its lease.
async fn claim(resources: &Resources, user_id: UserId) -> Result<Lease, Error> {
    // One of 256 names, so that no row is left behind for each person.
    let bucket = user_id.as_uuid().as_bytes().last().copied().unwrap_or_default();
    let name = format!("update_user/{bucket:02x}");
    let holder = SagaId::new(resources.now(), resources.entropy.as_ref()).as_uuid();
    for _ in 0..CLAIMS {
        let ttl = resources.config.saga_lease;
        if let Some(lease) = leases::try_acquire(&resources.db, &name, holder, ttl, resources.now()).await? {
            return Ok(lease);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(rolecall_db::Error::Conflict.into())
}

async fn attempt(resources: &Resources, command: &Command, lease: Option<&Lease>) -> Result<UserView, Error> {
    let judged = judge::judge(resources, command).await?;
    let Some(roles) = &judged.roles else {
        return finish(resources, command, &judged, judged.membership.clone(), lease).await;
    };
    let change = RoleChange {
        user_id: command.user_id,
        roles,
        actor: command.actor,
        etag: &judged.etag,
        validate_only: command.validate_only,
    };
    let (membership, etag) = resources.organization.change_member_roles(&change).await?;
    rolecall_db::fault::point("update_user.after_roles");
    match finish(resources, command, &judged, membership, lease).await {
        Err(error) if !command.validate_only && error.is_refusal() => {
            take_back(resources, command, &judged.membership, &etag).await;
            Err(error)
        }
        done => done,
    }
}

/// Stores what is identity's own, and obeys before the caller is answered.
async fn finish(
    resources: &Resources,
    command: &Command,
    judged: &judge::Judged,
    membership: Membership,
    lease: Option<&Lease>,
) -> Result<UserView, Error> {
    let now = resources.now();
    if command.validate_only {
        return Ok(judged.preview(membership, now));
    }
    let membership = &membership;
    let (view, ended) = resources
        .db
        .write(|tx| async move {
            if let Some(lease) = lease
                && !leases::fence(&tx, lease).await?
            {
                // Slept past its turn: what is known of the account may be old.
                return Err(rolecall_db::Error::Conflict.into());
            }
            store::store(resources, &tx, command, judged, membership, now).await
        })
        .await?;
    revoke::obey(resources, &ended, now);
    Ok(view)
}

/// Gives back the roles that were changed for a change that is refused, unless they changed again.
async fn take_back(resources: &Resources, command: &Command, before: &Membership, etag: &str) {
    let roles: Vec<String> = before.roles.iter().filter(|role| *role != ADMIN).cloned().collect();
    let (user_id, actor) = (command.user_id, command.actor);
    let change = RoleChange { user_id, roles: &roles, actor, etag, validate_only: false };
    if let Err(error) = resources.organization.change_member_roles(&change).await {
        tracing::warn!(%error, %user_id, "the roles of a refused change could not be taken back");
    }
}

impl Error {
    /// Whether it is sure that nothing was stored.
    const fn is_refusal(&self) -> bool {
        !matches!(self, Self::Fault(_) | Self::RolesMoved)
    }
}
