//! Ends a guest, or what somebody does as one.

use rolecall_kernel::id::SubjectId;

use super::fault::Fault;
use super::{Resources, revoke};
use crate::domain::guest::session_of;
use crate::domain::session::EndReason;
use crate::store::guests;

/// Ends the guest; ending it again changes nothing.
pub(crate) async fn run(resources: &Resources, guest_id: SubjectId) -> Result<(), Fault> {
    let now = resources.now();
    // Organization first: if what follows fails, nothing is open to the guest any more.
    resources.organization.remove_guest(guest_id).await?;
    resources
        .db
        .write(|tx| async move {
            let Some(guest) = guests::lock(&tx, guest_id).await? else { return Ok::<_, Fault>(()) };
            if guests::end(&tx, guest_id, EndReason::LoggedOut, now).await? {
                let reason = EndReason::LoggedOut;
                revoke::publish_guest(resources, &tx, &guest, Some(guest_id), reason, now).await?;
            }
            Ok(())
        })
        .await?;
    revoke::obey(resources, &[session_of(guest_id)], now);
    Ok(())
}
