//! Takes a service account its permissions.

use rolecall_db::Error;
use rolecall_kernel::id::ServiceAccountId;

use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::store::{access, removals, service_accounts};

/// Removes the service account; what is not there stays so, even if it was on its way.
pub(crate) async fn run(app: &App, id: ServiceAccountId, origin: &Origin) -> Result<(), Error> {
    let revision = app
        .database
        .write(|tx| async move {
            let revision = access::advance(&tx).await?;
            removals::insert(&tx, id.into(), app.now()).await?;
            let Some(account) = service_accounts::find(&tx, id).await? else { return Ok(None) };
            service_accounts::delete(&tx, id).await?;
            let organization_id = account.organization_id;
            let what = What::ServiceAccountRemoved { service_account_id: id };
            let told = Told { revision, subject_id: id.into(), organization_id, occurred: app.now(), what };
            app.tell_change(&tx, origin, told).await?;
            Ok::<_, Error>(Some(revision))
        })
        .await?;
    if let Some(revision) = revision {
        app.announce(id.into(), revision);
    }
    Ok(())
}
