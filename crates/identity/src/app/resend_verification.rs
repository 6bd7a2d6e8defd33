//! Mails another code to an address that waits for its proof, after whoever asked was answered.
//!
//! As with a forgotten password, the answer promises nothing and waits for nothing.

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{OrganizationId, RegistrationId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::fault::Fault;
use super::request_password_reset::Place;
use super::{Resources, mail_budget, registration_codes};
use crate::domain::registration::{LIFETIME, Registration};
use crate::store::registrations;

/// Which registration.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its name; whichever the address has when absent.
    pub(crate) registration_id: Option<RegistrationId>,
    /// Its address.
    pub(crate) email: EmailAddress,
}

/// Mails a code when its turn comes, if somebody registered with the address.
pub(crate) async fn run(resources: &Resources, place: Place, command: &Command) {
    let Some(_turn) = place.turn().await else { return };
    if let Err(error) = mail(resources, command).await {
        tracing::warn!(%error, "the mail of a registration could not be ordered");
    }
}

/// Does the same whatever the address: one look, one question to organization, one write.
async fn mail(resources: &Resources, command: &Command) -> Result<(), Fault> {
    let now = resources.now();
    let found = registrations::find_by_email(&resources.db.reader(), &command.email, now).await?;
    let belongs = found.map(|open| open.registration.organization_id);
    let belongs = belongs.unwrap_or_else(|| OrganizationId::new(now, resources.entropy.as_ref()));
    let organization = resources.organization.settings(belongs).await?;
    let name = &organization.map(|found| found.name).unwrap_or_default();
    Ok(resources.db.write(|tx| async move { store(resources, &tx, command, name, now).await }).await?)
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    organization_name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !mail_budget::spend(resources, tx, &command.email, now).await? {
        return Ok(());
    }
    let Some(open) = registrations::lock_by_email(tx, &command.email, now).await? else { return Ok(()) };
    let registration = &Registration { expires: now.plus(LIFETIME), ..open.registration };
    if command.registration_id.is_some_and(|id| id != registration.registration_id) {
        return Ok(());
    }
    let code = &registration_codes::draw(resources);
    registrations::renew(tx, registration, &code.digest()).await?;
    registration_codes::order_mail(resources, tx, registration, organization_name, code, now).await
}
