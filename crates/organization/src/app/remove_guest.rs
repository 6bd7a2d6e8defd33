//! Ends a guest before its time.

use rolecall_db::Error;
use rolecall_kernel::id::SubjectId;

use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::store::{access, guests};

/// Ends the guest; what is not there stays so.
pub(crate) async fn run(app: &App, guest_id: SubjectId, origin: &Origin) -> Result<(), Error> {
    let revision = app
        .database
        .write(|tx| async move {
            let revision = access::advance(&tx).await?;
            let Some(guest) = guests::delete(&tx, guest_id).await? else { return Ok(None) };
            let organization_id = Some(guest.organization_id);
            let what = What::GuestRemoved { guest_id };
            let told = Told { revision, subject_id: guest_id, organization_id, occurred: app.now(), what };
            app.tell_change(&tx, origin, told).await?;
            Ok::<_, Error>(Some(revision))
        })
        .await?;
    if let Some(revision) = revision {
        app.announce(guest_id, revision);
    }
    Ok(())
}
