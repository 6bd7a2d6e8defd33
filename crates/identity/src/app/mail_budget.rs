//! Mail that somebody else than its reader can cause: five an hour and twenty a day for each address.
//!
//! An account is one address, and an address that nobody has is somebody's mailbox too.

use rolecall_db::{Error, Tx};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::store::mail_budgets;

/// Takes one mail from the budget of an address; `false`, silently for whoever caused it, when there must be none now.
///
/// Holds the budget until the transaction ends; it is taken before the account, so that nobody waits in a circle.
pub(crate) async fn spend(resources: &Resources, tx: &Tx, email: &EmailAddress, now: Timestamp) -> Result<bool, Error> {
    spend_of(resources, tx, b"mail budget of", email, now).await
}

/// The same for codes by which new devices log in, counted apart: they are what remains when strangers fail too often.
pub(crate) async fn spend_on_login_codes(
    resources: &Resources,
    tx: &Tx,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<bool, Error> {
    spend_of(resources, tx, b"login code budget of", email, now).await
}

async fn spend_of(
    resources: &Resources,
    tx: &Tx,
    budget: &[u8],
    email: &EmailAddress,
    now: Timestamp,
) -> Result<bool, Error> {
    let address = resources.fingerprints.hash(&[budget, email.key().as_bytes()]);
    let Some(after) = mail_budgets::lock_or_insert(tx, &address, now).await?.spend(now) else {
        return Ok(false);
    };
    mail_budgets::update(tx, &address, &after, now).await?;
    Ok(true)
}
