//! Requests that may be repeated: the stored answer is given again.

use rolecall_db::idempotency::{self, Fingerprint};
use rolecall_db::{Error as StoreError, Reader, Tx};
use rolecall_kernel::id::{RequestId, SubjectId};
use rolecall_kernel::time::Timestamp;

/// The name of one intended change, and how its answer is written down.
#[derive(Clone)]
pub(crate) struct Once<T> {
    /// Who asks.
    pub(crate) caller: SubjectId,
    /// What it calls.
    pub(crate) method: &'static str,
    /// Its name for the change.
    pub(crate) request_id: RequestId,
    /// What it asks for.
    pub(crate) fingerprint: Fingerprint,
    /// Writes the answer down, without its secrets.
    pub(crate) encode: fn(&T) -> Vec<u8>,
}

impl<T> std::fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Once")
            .field("method", &self.method)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// What a change led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// It happened now.
    Fresh(T),
    /// It happened before; what was answered then.
    Stored(Vec<u8>),
}

/// Why a repeat is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RepeatError {
    /// The name was used for something else.
    #[error("the request id was used with other content")]
    Reused,
    /// The database did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<T> Once<T> {
    /// Finds what the same request was answered before.
    pub(crate) async fn find(once: Option<&Self>, reader: &Reader) -> Result<Option<Vec<u8>>, RepeatError> {
        let Some(once) = once else { return Ok(None) };
        match idempotency::find(reader, once.caller, once.method, once.request_id).await? {
            None => Ok(None),
            Some(stored) if stored.fingerprint == once.fingerprint => Ok(Some(stored.answer)),
            Some(_) => Err(RepeatError::Reused),
        }
    }

    /// Stores the answer in the transaction of the change; first of all, so that a parallel run of
    /// the same request fails on nothing else.
    pub(crate) async fn store(once: Option<&Self>, tx: &Tx, answer: &T, now: Timestamp) -> Result<(), StoreError> {
        let Some(once) = once else { return Ok(()) };
        let answer = (once.encode)(answer);
        idempotency::store(tx, once.caller, once.method, once.request_id, &once.fingerprint, &answer, now).await
    }
}

/// Lets a use case with `Error::RequestIdReused` take a [`RepeatError`] by `?`.
macro_rules! take_repeats {
    ($error:ty) => {
        impl From<crate::app::once::RepeatError> for $error {
            fn from(error: crate::app::once::RepeatError) -> Self {
                match error {
                    crate::app::once::RepeatError::Reused => Self::RequestIdReused,
                    crate::app::once::RepeatError::Store(error) => Self::Fault(error.into()),
                }
            }
        }
    };
}

pub(crate) use take_repeats;
