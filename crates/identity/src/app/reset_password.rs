//! Sets a new password by a code; every session ends, and none is opened.

use rolecall_db::Tx;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::SessionId;
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::codes::Opened;
use super::fault::{Fault, take_faults};
use super::password_rules::{self, PasswordRules};
use super::{Resources, access_tokens, codes, device, proven_address, revoke};
use crate::domain::code::Purpose;
use crate::domain::event::Event;
use crate::domain::password::{Password, PasswordError};
use crate::domain::session::EndReason;
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::sessions::{self, Which};
use crate::store::{awaited_passwords, codes as code_store, credentials};

/// Which code, and the new password.
#[derive(Debug)]
pub(crate) struct Command {
    /// The code.
    pub(crate) code: OpaqueToken,
    /// The new password.
    pub(crate) password: Password,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why the password stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The code is unknown, used, replaced or ended.
    #[error("no such code")]
    CodeNotFound,
    /// The password is not good enough.
    #[error("the password {0}")]
    PasswordRefused(PasswordError),
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

/// Resets the password.
///
/// Nothing is hashed for a code that is not good: the answer says that it is not, so its time may say the same, and
/// strangers cannot make the server hash. A code has 256 bits, found by its hash, so there is nothing to guess by time.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<(), Error> {
    let opened = &codes::find(resources, &command.code, Purpose::Reset).await?.ok_or(Error::CodeNotFound)?;
    let PasswordRules { policy, context, is_sso } = password_rules::find(resources, &opened.user).await?;
    if is_sso {
        return Err(Error::CodeNotFound);
    }
    let hash = resources.hashing.check_and_hash(policy, command.password, context, command.deadline).await?;
    let hash = &hash.map_err(Error::PasswordRefused)?;
    let (code, now) = (&command.code, resources.now());
    let ended = resources.db.write(|tx| async move { store(resources, &tx, opened, code, hash, now).await }).await?;
    revoke::obey(resources, &ended, now);
    Ok(())
}

/// Stores the password and returns which sessions it ended.
async fn store(
    resources: &Resources,
    tx: &Tx,
    opened: &Opened,
    code: &OpaqueToken,
    hash: &str,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let taken = &codes::take(resources, tx, opened, code).await?.ok_or(Error::CodeNotFound)?;
    let (user, mailed_to) = (&taken.user, opened.code.email.as_ref());
    if mailed_to.is_some_and(|email| email.key() != user.email.key()) {
        return Err(Error::CodeNotFound);
    }
    if !credentials::set(tx, user.user_id, hash, false, now).await? {
        credentials::insert(tx, user.user_id, hash, false, now).await?;
        awaited_passwords::delete(tx, user.user_id).await?;
    }
    // Whoever had the code from somebody else proved nothing about the address.
    let email_verified = user.email_verified || mailed_to.is_some();
    let after = User { email_verified, version: user.version + 1, updated: now, ..user.clone() };
    codes::update(tx, taken, &after).await?;
    if email_verified && !user.email_verified {
        proven_address::tell(resources, tx, user, now).await?;
    }
    code_store::end_all(tx, user.user_id).await?;
    device::forget_all(resources, tx, user).await?;
    let reason = EndReason::PasswordChanged;
    let mut ended = sessions::end_of_user(tx, user.user_id, Which::All, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, None, reason, now).await?;
    ended.extend(access_tokens::end_all(resources, tx, user, None, now).await?);
    // Nobody is signed in, so nobody is named as the actor.
    let (target, event) = (Some(user.user_id.into()), Event::PasswordChanged);
    resources.publisher.append(tx, &about(None, Some(user.organization_id), target, now, event)).await?;
    Ok(ended)
}
