//! Tells whether a session goes on, for a process that cannot follow the revocations.

use rolecall_db::{Error as StoreError, Reader};
use rolecall_kernel::id::{AccessTokenId, SessionId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::domain::guest::guest_of;
use crate::domain::session::Acting;
use crate::store::{access_tokens, guests, sessions};

/// Tells whether the session exists and has not ended, nor that of who acts in it; a personal access token is the
/// session of what it is exchanged for.
pub(crate) async fn run(resources: &Resources, session: SessionId) -> Result<bool, StoreError> {
    let (reader, now) = (resources.db.reader(), resources.now());
    if let Some(session) = sessions::find(&reader, session).await? {
        return Ok(session.is_alive(now) && is_acted_rightly(&reader, session.acting, now).await?);
    }
    if let Some(guest) = guests::find(&reader, guest_of(session)).await? {
        return Ok(guest.is_alive(now) && is_acted_rightly(&reader, guest.acting, now).await?);
    }
    access_tokens::is_good(&reader, AccessTokenId::from_uuid(session.as_uuid()), now).await
}

async fn is_acted_rightly(reader: &Reader, acting: Option<Acting>, now: Timestamp) -> Result<bool, StoreError> {
    match acting {
        Some(acting) => Ok(sessions::find(reader, acting.session_id).await?.is_some_and(|own| own.is_alive(now))),
        None => Ok(true),
    }
}
