//! Events of identity as commands.

use rolecall_kernel::id::UserId;
use rolecall_organization::ground::Arrived;

use crate::app::beneficiaries::Proof;

/// Reads the proof of an address; none when it is another event.
pub(crate) fn proof(arrived: &Arrived) -> Option<Proof> {
    if arrived.topic != "identity.email_proven" {
        return None;
    }
    let user_id = UserId::from_uuid(arrived.target_id?);
    let address_hash = arrived.details.get("address_hash")?.clone();
    Some(Proof { event_id: arrived.event_id, address_hash, user_id })
}
