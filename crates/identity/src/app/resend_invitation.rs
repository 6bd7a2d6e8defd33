//! Makes a new invitation for somebody who has not accepted.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::delivery::{self, Delivery};
use super::equals::{self, take_refusals_of_equals};
use super::fault::{Fault, take_faults};
use super::invite::{Draft, Invited, inviter_name};
use super::once::{Answer, Once, take_repeats};
use crate::domain::event::Event;
use crate::domain::invitation::InvitationMail;
use crate::domain::user::{User, UserState};
use crate::events::publish::about;
use crate::peers::OrganizationSettings;
use crate::store::{invitations, users};

/// Whom to invite again.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who invites.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The invited account.
    pub(crate) user_id: UserId,
    /// How the code reaches the person.
    pub(crate) delivery: Delivery,
    /// The name of the change.
    pub(crate) once: Option<Once<Invited>>,
}

/// Why there is no new invitation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// There is nothing to accept any more.
    #[error("the account is not invited")]
    UserNotInvited,
    /// The organization logs in at its identity provider alone.
    #[error("members of the organization have no passwords")]
    SsoRequired,
    /// The actor may not be given codes there.
    #[error("the actor may not be given codes")]
    PermissionMissing(&'static str),
    /// Nobody invites itself.
    #[error("nobody does this to itself")]
    SelfRefused,
    /// The actor may not be given the code of this person.
    #[error("equals cannot take each other over")]
    EqualProtected,
    /// The code was returned before, and is not kept.
    #[error("the code was returned before")]
    SecretAlreadyReturned,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);
take_refusals_of_equals!(Error);

/// Replaces the open invitation by a new one.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Invited>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return repeated(command, stored);
    }
    let user = users::find_in_scope(&reader, command.user_id, &command.scope).await?.ok_or(Error::UserNotFound)?;
    if user.state != UserState::Invited {
        return Err(Error::UserNotInvited);
    }
    let settings = resources.organization.settings(user.organization_id).await?;
    if settings.as_ref().is_some_and(|settings| !settings.passwords.allow(user.user_id)) {
        return Err(Error::SsoRequired);
    }
    let lifetime = settings.as_ref().and_then(|settings| settings.invitation_lifetime);
    let mail = match &command.delivery {
        Delivery::Send => Some(mail(resources, command, settings).await?),
        // Whoever has the code has the account, with the roles that wait for its person.
        Delivery::Return(_) => {
            if !command.delivery.is_permitted_on(facts(&user)) {
                return Err(Error::PermissionMissing(delivery::PERMISSION));
            }
            equals::check(resources, command.actor, user.user_id).await?;
            None
        }
    };
    let now = resources.now();
    let draft = &Draft::new(resources, &user, command.actor, mail, lifetime, now);
    let invited = &Invited::new(draft, &user);
    let replaced =
        resources.db.write(|tx| async move { replace(resources, &tx, command, draft, invited, now).await }).await;
    match replaced {
        Ok(()) => Ok(Answer::Fresh(invited.clone())),
        Err(Error::Fault(fault)) if fault.is_repeat() => match Once::find(command.once.as_ref(), &reader).await? {
            Some(stored) => repeated(command, stored),
            None => Err(Error::Fault(fault)),
        },
        Err(error) => Err(error),
    }
}

/// What was answered before, unless it held the code.
fn repeated(command: &Command, stored: Vec<u8>) -> Result<Answer<Invited>, Error> {
    if command.delivery.is_return() { Err(Error::SecretAlreadyReturned) } else { Ok(Answer::Stored(stored)) }
}

async fn mail(
    resources: &Resources,
    command: &Command,
    organization: Option<OrganizationSettings>,
) -> Result<InvitationMail, Error> {
    Ok(InvitationMail {
        organization_name: organization.map(|found| found.name).unwrap_or_default(),
        inviter_name: inviter_name(&resources.db.reader(), command.actor).await?,
    })
}

fn facts(user: &User) -> RowFacts {
    RowFacts::of_subject(Some(user.organization_id), user.user_id.into())
}

async fn replace(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    draft: &Draft,
    invited: &Invited,
    now: Timestamp,
) -> Result<(), Error> {
    Once::store(command.once.as_ref(), tx, invited, now).await?;
    let user: User = users::lock(tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    let permit = command.scope.permit(facts(&user)).ok_or(Error::UserNotFound)?;
    if user.state != UserState::Invited || invitations::is_being_accepted(tx, user.user_id).await? {
        return Err(Error::UserNotInvited);
    }
    invitations::replace_pending(tx, user.user_id).await?;
    draft.store(resources, tx, &user, now).await?;
    if !users::touch(tx, &permit, now).await? {
        return Err(StoreError::Conflict.into());
    }
    let event = Event::InvitationResent(draft.invitation.invitation_id);
    let target = Some(user.user_id.into());
    let happened = about(Some(command.actor), Some(user.organization_id), target, now, event);
    resources.publisher.append(tx, &happened).await?;
    Ok(())
}
