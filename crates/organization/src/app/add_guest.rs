//! Adds a guest to an organization that allows guests.

use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::domain::guest::Guest;
use crate::store::{access, guests, organizations};

/// Who looks around where, and until when.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) guest_id: SubjectId,
    /// None means the home organization.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) expires: Timestamp,
    /// Whoever acts as the guest, if somebody does.
    pub(crate) origin: Origin,
}

/// Why nobody is added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The organization allows no guests, or there is none: strangers do not learn which.
    #[error("there are no guests there")]
    NotAllowed,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Adds the guest and returns where; repeating it changes nothing.
pub(crate) async fn run(app: &App, command: &Command) -> Result<OrganizationId, Error> {
    let (organization, revision) = app.database.write(|tx| async move { add(app, &tx, command).await }).await?;
    app.announce(command.guest_id, revision);
    Ok(organization)
}

async fn add(app: &App, tx: &Tx, command: &Command) -> Result<(OrganizationId, i64), Error> {
    // Changes of the settings wait until the guest is there, and end it then.
    let revision = access::advance(tx).await?;
    let organization_id = match command.organization {
        Some(id) => id,
        None => organizations::find_home(tx).await?.ok_or(Error::NotAllowed)?.organization_id,
    };
    if !guests::are_allowed(tx, organization_id).await? {
        return Err(Error::NotAllowed);
    }
    if let Some(present) = guests::find(tx, command.guest_id).await? {
        let is_same = present.organization_id == organization_id;
        return if is_same { Ok((organization_id, revision)) } else { Err(Error::NotAllowed) };
    }
    let (guest_id, expires) = (command.guest_id, command.expires);
    guests::insert(tx, &Guest { guest_id, organization_id, expires, allowed: true }).await?;
    let what = What::GuestAdded { guest_id, expires };
    let organization = Some(organization_id);
    let told = Told { revision, subject_id: guest_id, organization_id: organization, occurred: app.now(), what };
    app.tell_change(tx, &command.origin, told).await?;
    Ok((organization_id, revision))
}
