//! Ends an invitation; the account stays invited.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_kernel::id::{InvitationId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use crate::domain::event::Event;
use crate::events::publish::about;
use crate::store::{invitations, users};

/// Which invitation.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who ends it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The invitation.
    pub(crate) invitation_id: InvitationId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the invitation stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It is over, or lies outside of what the actor may see.
    #[error("no such invitation")]
    InvitationNotFound,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

impl Error {
    fn may_be_repeat(&self) -> bool {
        match self {
            Self::InvitationNotFound => true,
            Self::Fault(fault) => fault.is_repeat(),
            Self::RequestIdReused => false,
        }
    }
}

/// Ends an invitation that waits for an answer.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    match revoke(resources, command).await {
        Ok(()) => Ok(Answer::Fresh(())),
        // To a parallel run of the same request that was slower, the invitation is over.
        Err(error) if error.may_be_repeat() => {
            Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

async fn revoke(resources: &Resources, command: &Command) -> Result<(), Error> {
    let now = resources.now();
    let found = invitations::find_pending(&resources.db.reader(), command.invitation_id, &command.scope, now).await?;
    let user_id = found.ok_or(Error::InvitationNotFound)?.user_id;
    resources.db.write(|tx| async move { store(resources, &tx, command, user_id, now).await }).await
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    user_id: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    Once::store(command.once.as_ref(), tx, &(), now).await?;
    // The account first, as everybody does, so that nobody waits in a circle.
    let user = users::lock(tx, user_id).await?.ok_or(Error::InvitationNotFound)?;
    let row = RowFacts::of_subject(Some(user.organization_id), user_id.into());
    let permit = command.scope.permit(row).ok_or(Error::InvitationNotFound)?;
    if !invitations::revoke(tx, &permit, command.invitation_id, now).await? {
        return Err(Error::InvitationNotFound);
    }
    let (target, event) = (Some(user_id.into()), Event::InvitationRevoked(command.invitation_id));
    let happened = about(Some(command.actor), Some(user.organization_id), target, now, event);
    resources.publisher.append(tx, &happened).await?;
    Ok(())
}
