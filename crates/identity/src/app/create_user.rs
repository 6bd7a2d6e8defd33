//! Makes an account, its membership and its invitation: all or nothing, across two contexts.

use rolecall_authz::Scope;
use rolecall_kernel::id::{OrganizationId, SagaId, SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::fault::Fault;
use super::invite::{Draft, inviter_name};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, saga};
use crate::domain::event::Event;
use crate::domain::invitation::{Invitation, InvitationMail};
use crate::domain::saga::{Saga, SagaKind, SagaState};
use crate::domain::user::{Membership, Profile, User, UserState, UserView};
use crate::events::publish::about;
use crate::peers::{OrganizationName, PeerError, Refusal};
use crate::store::{USERS_EMAIL_KEY, sagas, users};

/// Whom to invite into what.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who invites.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// Into which organization; none means the actor's own.
    pub(crate) organization: Option<OrganizationId>,
    /// The address.
    pub(crate) email: EmailAddress,
    /// Who the person is.
    pub(crate) profile: Profile,
    /// Names of the roles.
    pub(crate) roles: Vec<String>,
    /// Checks everything and changes nothing.
    pub(crate) validate_only: bool,
    /// The name of the change.
    pub(crate) once: Option<Once<Created>>,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Created {
    /// The account.
    pub(crate) user: UserView,
    /// The invitation; none when nothing was changed.
    pub(crate) invitation: Option<Invitation>,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address belongs to another account.
    #[error("the address is taken")]
    EmailTaken,
    /// No such organization within what the actor may see.
    #[error("no such organization")]
    OrganizationNotFound,
    /// One of the roles is beyond what the actor may grant.
    #[error("a role is not grantable")]
    RoleNotGrantable,
    /// One of the roles is none.
    #[error("a role is unknown")]
    RoleUnknown,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_repeats!(Error);

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::OrganizationNotFound) => Self::OrganizationNotFound,
            PeerError::Refused(Refusal::RoleNotGrantable | Refusal::ActorNotEntitled) => Self::RoleNotGrantable,
            PeerError::Refused(Refusal::RequestInvalid) => Self::RoleUnknown,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        if error.violates(USERS_EMAIL_KEY) { Self::EmailTaken } else { Self::Fault(error.into()) }
    }
}

/// Invites a person.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Created>, Error> {
    if let Some(stored) = stored(resources, command).await? {
        return Ok(Answer::Stored(stored));
    }
    if command.organization.is_some_and(|id| !command.scope.includes_organization(id)) {
        return Err(Error::OrganizationNotFound);
    }
    if command.validate_only {
        return check(resources, command).await.map(Answer::Fresh);
    }
    // Early and friendly; only the unique index decides.
    if users::is_email_taken(&resources.db.reader(), &command.email).await? {
        return repeated(resources, command, Error::EmailTaken).await;
    }
    let now = resources.now();
    let user_id = UserId::new(now, resources.entropy.as_ref());
    let saga =
        Saga { saga_id: SagaId::from_uuid(user_id.as_uuid()), kind: SagaKind::CreateUser, state: SagaState::Started };
    saga::begin(resources, &saga).await.map_err(Error::Fault)?;
    rolecall_db::fault::point("create_user.after_start");
    match add_and_commit(resources, command, user_id, now).await {
        Ok(created) => {
            rolecall_db::fault::point("create_user.after_commit");
            saga::finish(resources, &saga).await.map_err(Error::Fault)?;
            Ok(Answer::Fresh(created))
        }
        Err(error) => {
            saga::abandon(resources, &saga).await;
            repeated(resources, command, error).await
        }
    }
}

/// Finds the answer of an earlier run, which is given only once that run's work is finished.
async fn stored(resources: &Resources, command: &Command) -> Result<Option<Vec<u8>>, Error> {
    let reader = resources.db.reader();
    let Some(stored) = Once::find(command.once.as_ref(), &reader).await? else {
        return Ok(None);
    };
    if let Some((user, _)) = users::find_by_email(&reader, &command.email).await? {
        let id = SagaId::from_uuid(user.user_id.as_uuid());
        saga::finish_if_left(resources, id).await.map_err(Error::Fault)?;
    }
    Ok(Some(stored))
}

/// A parallel run of the same request is answered like that one, which may have taken the address.
async fn repeated(resources: &Resources, command: &Command, error: Error) -> Result<Answer<Created>, Error> {
    let is_repeat = match &error {
        Error::EmailTaken => true,
        Error::Fault(fault) => fault.is_repeat(),
        Error::OrganizationNotFound | Error::RoleNotGrantable | Error::RoleUnknown | Error::RequestIdReused => false,
    };
    let stored = if is_repeat { stored(resources, command).await? } else { None };
    stored.map(Answer::Stored).ok_or(error)
}

async fn check(resources: &Resources, command: &Command) -> Result<Created, Error> {
    let organization = &resources.organization;
    let into = organization.check_add_member(command.organization, &command.roles, command.actor).await?;
    if users::is_email_taken(&resources.db.reader(), &command.email).await? {
        return Err(Error::EmailTaken);
    }
    let now = resources.now();
    let user_id = UserId::new(now, resources.entropy.as_ref());
    let user = draft(command, user_id, into.organization_id, now);
    Ok(Created { user: view(user, &command.roles), invitation: None })
}

/// Adds the hidden member, then commits account, invitation, mail and answer together.
async fn add_and_commit(
    resources: &Resources,
    command: &Command,
    user_id: UserId,
    now: Timestamp,
) -> Result<Created, Error> {
    let organization = &resources.organization;
    let into = organization.add_member(user_id, command.organization, &command.roles, command.actor).await?;
    rolecall_db::fault::point("create_user.after_add_member");
    let user = draft(command, user_id, into.organization_id, now);
    let mail = mail(resources, command, &into).await?;
    let invitation = &Draft::new(resources, &user, command.actor, mail, now);
    let created = Created { user: view(user, &command.roles), invitation: Some(invitation.invitation.clone()) };
    let answer = &created;
    resources
        .db
        .write(|tx| async move {
            let user = &answer.user.user;
            Once::store(command.once.as_ref(), &tx, answer, now).await?;
            users::insert(&tx, user).await?;
            invitation.store(resources, &tx, user, now).await?;
            let event =
                Event::UserInvited { invitation_id: invitation.invitation.invitation_id, roles: command.roles.clone() };
            let happened = about(Some(command.actor), Some(user.organization_id), Some(user_id.into()), now, event);
            resources.publisher.append(&tx, &happened).await?;
            // A recovery that took over meanwhile undoes the membership, so nothing may be committed.
            let id = SagaId::from_uuid(user_id.as_uuid());
            if sagas::advance(&tx, id, SagaState::Started, SagaState::Committed).await? {
                Ok(())
            } else {
                Err(Error::Fault(rolecall_db::Error::Conflict.into()))
            }
        })
        .await?;
    Ok(created)
}

async fn mail(resources: &Resources, command: &Command, into: &OrganizationName) -> Result<InvitationMail, Error> {
    let inviter_name = inviter_name(&resources.db.reader(), command.actor).await?;
    Ok(InvitationMail { organization_name: into.name.clone(), inviter_name })
}

fn draft(command: &Command, user_id: UserId, organization_id: OrganizationId, now: Timestamp) -> User {
    let (email, profile) = (command.email.clone(), command.profile.clone());
    User::new(user_id, organization_id, email, profile, UserState::Invited, now)
}

fn view(user: User, roles: &[String]) -> UserView {
    let mut roles = roles.to_vec();
    roles.sort();
    roles.dedup();
    UserView { user, membership: Membership { roles, blocked: false } }
}
