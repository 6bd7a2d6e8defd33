//! Tells whether a session goes on, for a process that cannot follow the revocations.

use rolecall_db::Error as StoreError;
use rolecall_kernel::id::SessionId;

use super::Resources;
use crate::store::sessions;

/// Tells whether the session exists and has not ended.
pub(crate) async fn run(resources: &Resources, session: SessionId) -> Result<bool, StoreError> {
    let found = sessions::find(&resources.db.reader(), session).await?;
    Ok(found.is_some_and(|session| session.is_alive(resources.now())))
}
