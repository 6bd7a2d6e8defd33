//! Follows what comes to lie in an inbox.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rolecall_db::Error as StoreError;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Timestamp;

use crate::context::Shared;
use crate::domain::message::InboxMessage;
use crate::store::inbox_order;

/// The most streams of one person at one server.
pub(crate) const MOST_STREAMS: u8 = 5;

/// The most messages that a stream holds to be told.
const BATCH: u64 = 50;

/// The most messages that are numbered in one transaction.
const NUMBERED: u32 = 500;

/// Up to where somebody was told, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) number: i64,
    pub(crate) told: Timestamp,
}

impl Position {
    /// Spells it as bytes.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.number.cast_unsigned()) << 64) | u128::from(self.told.as_micros().cast_unsigned()))
            .to_be_bytes()
    }

    /// Reads bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (number, told) = bytes.split_first_chunk::<8>()?;
        let (told, rest) = told.split_first_chunk::<8>()?;
        let told = Timestamp::from_micros(i64::from_be_bytes(*told));
        rest.is_empty().then_some(Self { number: i64::from_be_bytes(*number), told })
    }
}

/// Why nothing can be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the token is older than what is kept")]
    Expired,
    #[error("as many streams as are possible")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many streams each person has at this server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<HashMap<SubjectId, u8>>>);

/// A place among the streams of a person; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    watchers: Watchers,
    person: SubjectId,
}

impl Watchers {
    /// Takes a place for one more stream.
    pub(crate) fn enter(&self, person: SubjectId) -> Result<Place, Error> {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(person).or_default();
        if *count >= MOST_STREAMS {
            return Err(Error::TooMany);
        }
        *count += 1;
        Ok(Place { watchers: self.clone(), person })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.person);
            }
        }
    }
}

/// Returns the position from which on everything is new.
pub(crate) async fn beginning(shared: &Shared) -> Result<Position, Error> {
    let number = inbox_order::head(&shared.database.reader()).await?;
    Ok(Position { number, told: shared.clock.now() })
}

/// Sees that nothing is missed after a position.
pub(crate) async fn check(shared: &Shared, position: Position) -> Result<(), Error> {
    // What came just before may have been numbered a little later, so a token ends long before the messages do.
    let is_old = position.told <= shared.clock.now().minus(shared.config.retention / 2);
    // A number that was never given is of a database that was restored to an earlier state.
    let is_kept = !is_old && position.number <= inbox_order::head(&shared.database.reader()).await?;
    if is_kept { Ok(()) } else { Err(Error::Expired) }
}

/// Reads what came to lie in the inbox of a person after a number, in order.
pub(crate) async fn step(shared: &Shared, person: SubjectId, after: i64) -> Result<Vec<(i64, InboxMessage)>, Error> {
    Ok(inbox_order::read_after(&shared.database.reader(), (person, shared.clock.now()), after, BATCH).await?)
}

/// Numbers what came to lie in inboxes, and returns how many messages that were.
pub(crate) async fn number(shared: &Shared) -> Result<u64, StoreError> {
    let now = shared.clock.now();
    let mut numbered = 0;
    while inbox_order::is_any_waiting(&shared.database.reader(), now).await? {
        numbered += shared.database.write(|tx| async move { inbox_order::number(&tx, now, NUMBERED).await }).await?;
    }
    Ok(numbered)
}

/// How often it is looked for messages that nothing tells of: those that were scheduled.
pub(crate) const POLL: Duration = Duration::from_millis(500);
