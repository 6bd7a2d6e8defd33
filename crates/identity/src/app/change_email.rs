//! Asks to move the own account to another address; nothing changes until that address confirms.

use rolecall_db::Tx;
use rolecall_kernel::id::UserId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::codes::Draft;
use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, mail_budget};
use crate::domain::code::Purpose;
use crate::domain::event::Event;
use crate::events::publish::by_user;
use crate::store::users;

/// Whose account, and where to.
#[derive(Debug)]
pub(crate) struct Command {
    /// The person.
    pub(crate) user_id: UserId,
    /// The new address.
    pub(crate) email: EmailAddress,
    /// The name of the change.
    pub(crate) once: Option<Once<Timestamp>>,
}

/// Why nothing was mailed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Mails a code to the new address and returns when it ends.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Timestamp>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let membership = resources.organization.member(command.user_id).await?;
    let now = resources.now();
    let email = Some(command.email.clone());
    let draft = &Draft::new(resources, command.user_id, Purpose::EmailChange, email, &membership, now);
    let stored = resources.db.write(|tx| async move { store(resources, &tx, command, draft, now).await }).await;
    match stored {
        Ok(()) => Ok(Answer::Fresh(draft.code.expires)),
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

/// Writes the same whether the address is free or not.
///
/// Also where it is taken there is a code, which nobody gets to know: it ends the older one, as it would if the
/// address were free. Else whoever asks for an address learns from its older code whether somebody has it.
async fn store(resources: &Resources, tx: &Tx, command: &Command, draft: &Draft, now: Timestamp) -> Result<(), Error> {
    Once::store(command.once.as_ref(), tx, &draft.code.expires, now).await?;
    let may_mail = mail_budget::spend(resources, tx, &command.email, now).await?;
    let gone = Error::Fault(Fault::Defect("no such account"));
    let user = users::lock(tx, command.user_id).await?.ok_or(gone)?;
    let owner = users::find_by_email(tx, &command.email).await?.map(|(owner, _)| owner);
    draft.store(tx, now).await?;
    let publisher = &resources.publisher;
    match owner.filter(|owner| owner.user_id != user.user_id) {
        _ if !may_mail => {}
        Some(owner) => publisher.order_address_in_use_mail(tx, &owner, now).await?,
        None => {
            let (email, code, expires) = (&command.email, &draft.token, draft.code.expires);
            publisher.order_email_change_mail(tx, &user, email, code, expires, now).await?;
        }
    }
    publisher.append(tx, &by_user(&user, now, Event::EmailChangeRequested)).await?;
    Ok(())
}
