//! Changes that are made once, however often they are asked for.

use rolecall_kernel::id::{RequestId, SubjectId};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::time::Timestamp;

use crate::idempotency::{self, Fingerprint};
use crate::{Database, Error, Tx};

/// The request id was used before with other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request id was used before with other content")]
pub struct RequestIdReused;

/// The client's name for a change, and what it asks for.
#[derive(Debug, Clone)]
pub struct RequestKey {
    /// Who asks.
    pub caller: SubjectId,
    /// The path of the method.
    pub method: &'static str,
    /// The client's name.
    pub request_id: RequestId,
    /// What is asked for, recognisable but not readable.
    pub fingerprint: Fingerprint,
}

/// A change that may be asked for again, with the way to encode its answer.
#[derive(Debug)]
pub struct Repeat<T> {
    /// The request.
    pub key: RequestKey,
    /// Encodes what a repeat is answered.
    pub encode: fn(&T) -> Vec<u8>,
}

/// The answer to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It was made now.
    Fresh(T),
    /// It was made before; this is what was answered then.
    Repeated(Vec<u8>),
}

impl RequestKey {
    /// Names a request, so that a repeat of it is recognised; none without a client's name for it.
    pub fn new(
        fingerprints: &KeyedHash,
        caller: SubjectId,
        method: &'static str,
        request_id: Option<RequestId>,
        content: &[u8],
    ) -> Option<Self> {
        let fingerprint = Fingerprint::new(fingerprints, method, content);
        request_id.map(|request_id| Self { caller, method, request_id, fingerprint })
    }

    /// Looks for the answer to an earlier request of this name.
    pub async fn find<E>(&self, database: &Database) -> Result<Option<Vec<u8>>, E>
    where
        E: From<Error> + From<RequestIdReused>,
    {
        let stored = idempotency::find(&database.reader(), self.caller, self.method, self.request_id).await?;
        match stored {
            None => Ok(None),
            Some(stored) if stored.fingerprint == self.fingerprint => Ok(Some(stored.answer)),
            Some(_) => Err(RequestIdReused.into()),
        }
    }

    /// Keeps the answer, in the transaction of the change.
    pub async fn store(&self, tx: &Tx, answer: &[u8], now: Timestamp) -> Result<(), Error> {
        idempotency::store(tx, self.caller, self.method, self.request_id, &self.fingerprint, answer, now).await
    }
}

/// Makes a change in one transaction, unless the same request made it before.
pub async fn once<T, E, F, Fut>(
    database: &Database,
    repeat: Option<&Repeat<T>>,
    now: Timestamp,
    work: F,
) -> Result<Answer<T>, E>
where
    F: Fn(Tx) -> Fut + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
    E: From<Error> + From<RequestIdReused> + Send,
    T: Send,
{
    let Some(repeat) = repeat else {
        return database.write(work).await.map(Answer::Fresh);
    };
    if let Some(answer) = repeat.key.find::<E>(database).await? {
        return Ok(Answer::Repeated(answer));
    }
    let outcome = database.write(|tx| {
        let change = work(tx.clone());
        async move {
            let value = change.await?;
            let answer = (repeat.encode)(&value);
            repeat.key.store(&tx, &answer, now).await?;
            Ok(value)
        }
    });
    match outcome.await {
        Ok(value) => Ok(Answer::Fresh(value)),
        // The same request may have come to its end meanwhile; then that is the answer.
        Err(error) => match repeat.key.find::<E>(database).await {
            Ok(Some(answer)) => Ok(Answer::Repeated(answer)),
            Ok(None) => Err(error),
            Err(found) => Err(found),
        },
    }
}
