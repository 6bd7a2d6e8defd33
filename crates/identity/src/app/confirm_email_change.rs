//! Moves an account to the address that proved itself; every session ends, and the old address is told.

use rolecall_db::Tx;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::SessionId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::codes::Opened;
use super::fault::{Fault, take_faults};
use super::{Resources, codes, proven_address, revoke};
use crate::domain::code::Purpose;
use crate::domain::event::Event;
use crate::domain::session::EndReason;
use crate::domain::user::User;
use crate::events::publish::by_user;
use crate::store::sessions::{self, Which};
use crate::store::{USERS_EMAIL_KEY, codes as code_store};

/// Why the account stays where it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The code is unknown, used, replaced or ended.
    #[error("no such code")]
    CodeNotFound,
    /// The address belongs to another account by now; whoever has the code may know, for it reads the mail there.
    #[error("the address is taken")]
    EmailTaken,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Moves the account and returns its address.
pub(crate) async fn run(resources: &Resources, code: &OpaqueToken) -> Result<EmailAddress, Error> {
    let opened = &codes::find(resources, code, Purpose::EmailChange).await?.ok_or(Error::CodeNotFound)?;
    let email = &opened.code.email.clone().ok_or(Error::CodeNotFound)?;
    let now = resources.now();
    let moved = resources.db.write(|tx| async move { store(resources, &tx, opened, code, email, now).await }).await;
    match moved {
        Ok(ended) => {
            revoke::obey(resources, &ended, now);
            Ok(email.clone())
        }
        Err(Error::Fault(fault)) if fault.violates(USERS_EMAIL_KEY) => Err(Error::EmailTaken),
        Err(error) => Err(error),
    }
}

/// Stores the address and returns which sessions that ended.
async fn store(
    resources: &Resources,
    tx: &Tx,
    opened: &Opened,
    code: &OpaqueToken,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let taken = &codes::take(resources, tx, opened, code).await?.ok_or(Error::CodeNotFound)?;
    let (user, email) = (&taken.user, email.clone());
    let after = User { email, email_verified: true, version: user.version + 1, updated: now, ..user.clone() };
    codes::update(tx, taken, &after).await?;
    code_store::end_all(tx, user.user_id).await?;
    let reason = EndReason::EmailChanged;
    let ended = sessions::end_of_user(tx, user.user_id, Which::All, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, Some(user.user_id.into()), reason, now).await?;
    let event = Event::EmailChanged { old: user.email.clone(), new: after.email.clone() };
    resources.publisher.append(tx, &by_user(user, now, event)).await?;
    proven_address::tell(resources, tx, &after, now).await?;
    Ok(ended)
}
