//! Tells whether a session goes on, for a process that cannot follow the revocations.

use rolecall_db::Error as StoreError;
use rolecall_kernel::id::{AccessTokenId, SessionId};

use super::Resources;
use crate::store::{access_tokens, sessions};

/// Tells whether the session exists and has not ended; a personal access token is the session of what it is
/// exchanged for.
pub(crate) async fn run(resources: &Resources, session: SessionId) -> Result<bool, StoreError> {
    let (reader, now) = (resources.db.reader(), resources.now());
    if let Some(session) = sessions::find(&reader, session).await? {
        return Ok(session.is_alive(now));
    }
    access_tokens::is_good(&reader, AccessTokenId::from_uuid(session.as_uuid()), now).await
}
