//! The codes of registrations, and who gets which mail: the same is written whether or not the address has an account.

use rolecall_db::{Error, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::registration::{PREFIX, Registration, yields};
use crate::store::users;

/// Draws a code.
pub(crate) fn draw(resources: &Resources) -> OpaqueToken {
    OpaqueToken::new(PREFIX, resources.entropy.as_ref())
}

/// Orders the mail that the reader of the address gets.
///
/// Whoever has an account that it proved is told that somebody tried, and nobody gets to know the code. An account that
/// nobody proved gives way, so its address gets the code like any other.
pub(crate) async fn order_mail(
    resources: &Resources,
    tx: &Tx,
    registration: &Registration,
    organization_name: &str,
    code: &OpaqueToken,
    now: Timestamp,
) -> Result<(), Error> {
    let owner = users::find_by_email(tx, &registration.email).await?.map(|(owner, _)| owner);
    let publisher = &resources.publisher;
    if let Some(owner) = owner.filter(|owner| !yields(owner)) {
        return publisher.order_registration_attempted_mail(tx, &owner, now).await;
    }
    let (person, expires) = (registration.person(), registration.expires);
    publisher.order_email_verification_mail(tx, &person, organization_name, code, expires, now).await
}
