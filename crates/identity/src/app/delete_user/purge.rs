//! Erases what names the persons of accounts that were deleted long ago; their addresses are free again.

use rolecall_db::{Error, Tx};
use rolecall_kernel::time::Timestamp;

use super::super::Resources;
use crate::domain::event::Event;
use crate::events::publish::about;
use crate::store::users;

/// The most accounts of one transaction.
const BATCH: u64 = 200;

/// Erases accounts that were deleted before this time, and tells the audit log; returns how many.
pub(crate) async fn run(resources: &Resources, tx: &Tx, deleted_before: Timestamp) -> Result<u64, Error> {
    let mut erased = 0;
    for (user_id, organization_id) in users::list_purgeable(tx, deleted_before, BATCH).await? {
        users::erase(tx, user_id).await?;
        let happened = about(None, Some(organization_id), Some(user_id.into()), resources.now(), Event::UserErased);
        resources.publisher.append(tx, &happened).await?;
        erased += 1;
    }
    Ok(erased)
}
