//! Sends a new invitation to somebody who has not accepted.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::{Fault, take_faults};
use super::invite::{Draft, inviter_name};
use super::once::{Answer, Once, take_repeats};
use crate::domain::event::Event;
use crate::domain::invitation::{Invitation, InvitationMail};
use crate::domain::user::{User, UserState};
use crate::events::publish::about;
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
    /// The name of the change.
    pub(crate) once: Option<Once<Invitation>>,
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
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Replaces the open invitation by a new one.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Invitation>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let user = users::find_in_scope(&reader, command.user_id, &command.scope).await?.ok_or(Error::UserNotFound)?;
    if user.state != UserState::Invited {
        return Err(Error::UserNotInvited);
    }
    let organization = resources.organization.find_organization(user.organization_id).await?;
    let mail = InvitationMail {
        organization_name: organization.map(|found| found.name).unwrap_or_default(),
        inviter_name: inviter_name(&reader, command.actor).await?,
    };
    let now = resources.now();
    let draft = &Draft::new(resources, &user, command.actor, mail, now);
    let replaced = resources.db.write(|tx| async move { replace(resources, &tx, command, draft, now).await }).await;
    match replaced {
        Ok(()) => Ok(Answer::Fresh(draft.invitation.clone())),
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

async fn replace(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    draft: &Draft,
    now: Timestamp,
) -> Result<(), Error> {
    Once::store(command.once.as_ref(), tx, &draft.invitation, now).await?;
    let user: User = users::lock(tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    let row = RowFacts::of_subject(Some(user.organization_id), user.user_id.into());
    let permit = command.scope.permit(row).ok_or(Error::UserNotFound)?;
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
