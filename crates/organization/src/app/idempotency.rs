//! Changes that are made once, however often they are asked for.

use rolecall_db::idempotency::{self, Fingerprint};
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{RequestId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::App;

/// The request id was used before with other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request id was used before with other content")]
pub(crate) struct RequestIdReused;

/// The client's name for a change, and what it asks for.
#[derive(Debug, Clone)]
pub(crate) struct RequestKey {
    pub(crate) caller: SubjectId,
    pub(crate) method: &'static str,
    pub(crate) request_id: RequestId,
    pub(crate) fingerprint: Fingerprint,
}

/// A change that may be asked for again, with the way to encode its answer.
#[derive(Debug)]
pub(crate) struct Repeat<T> {
    pub(crate) key: RequestKey,
    pub(crate) encode: fn(&T) -> Vec<u8>,
}

/// The answer to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// It was made now.
    Fresh(T),
    /// It was made before; this is what was answered then.
    Repeated(Vec<u8>),
}

impl RequestKey {
    /// Looks for the answer to an earlier request of this name.
    pub(crate) async fn find<E>(&self, app: &App) -> Result<Option<Vec<u8>>, E>
    where
        E: From<Error> + From<RequestIdReused>,
    {
        let stored = idempotency::find(&app.database.reader(), self.caller, self.method, self.request_id).await?;
        match stored {
            None => Ok(None),
            Some(stored) if stored.fingerprint == self.fingerprint => Ok(Some(stored.answer)),
            Some(_) => Err(RequestIdReused.into()),
        }
    }

    /// Keeps the answer, in the transaction of the change.
    pub(crate) async fn store(&self, tx: &Tx, answer: &[u8], now: Timestamp) -> Result<(), Error> {
        idempotency::store(tx, self.caller, self.method, self.request_id, &self.fingerprint, answer, now).await
    }
}

/// Makes a change in one transaction, unless the same request made it before.
pub(crate) async fn once<T, E, F, Fut>(
    app: &App,
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
        return app.database.write(work).await.map(Answer::Fresh);
    };
    if let Some(answer) = repeat.key.find::<E>(app).await? {
        return Ok(Answer::Repeated(answer));
    }
    let outcome = app.database.write(|tx| {
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
        Err(error) => match repeat.key.find::<E>(app).await {
            Ok(Some(answer)) => Ok(Answer::Repeated(answer)),
            Ok(None) => Err(error),
            Err(found) => Err(found),
        },
    }
}
