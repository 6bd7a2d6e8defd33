//! Addresses that persons proved, as other contexts learn of them.
//!
//! A code that came by mail proves an address, and so does single sign-on of a proven domain. Initial passwords, codes
//! that were returned to somebody, imports and edits of administrators prove nothing.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::UserId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::event::Event;
use crate::domain::user::User;
use crate::events::publish::by_user;
use crate::store::users;

/// Tells in the transaction of the proof that a person proved the address that its account has from now on.
///
/// Nobody asks identity for the address later, as it may have changed by then: the event carries a keyed hash of it,
/// by which the services of the suite recognise an address that they wait for, and which tells nobody else anything.
pub(super) async fn tell(resources: &Resources, tx: &Tx, user: &User, now: Timestamp) -> Result<(), Error> {
    let event = Event::EmailProven(resources.proofs.address(&user.email));
    resources.publisher.append(tx, &by_user(user, now, event)).await
}

/// Returns which of the addresses living accounts hold that proved them, and whose they are.
pub(crate) async fn list(resources: &Resources, emails: &[EmailAddress]) -> Result<Vec<(EmailAddress, UserId)>, Error> {
    users::list_proven(&resources.db.reader(), emails).await
}
