//! How many taken addresses somebody who makes accounts may learn of: 100 a day, or it could ask for an address book.
//!
//! Above that nothing is looked up at all, or the refusal itself would tell.

use std::time::Duration;

use rolecall_db::Error as StoreError;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::Fault;
use crate::domain::mail_budget::Limits;
use crate::store::mail_budgets;

const LIMITS: Limits = Limits { an_hour: 100, a_day: 100 };

/// Why work that names an address is refused.
#[derive(Debug)]
pub(crate) enum Limited<E> {
    /// The work itself was refused.
    Refused(E),
    /// The actor learned of as many taken addresses as it may; it has to wait for so long.
    Exhausted(Duration),
    /// Something did not do its part.
    Fault(Fault),
}

impl<E> From<StoreError> for Limited<E> {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// Does work that may tell its actor that an address is taken.
///
/// A preview costs nothing and leaves no trace, so of many at once each is counted before it looks; what is really made
/// is counted when it turns out to be taken.
pub(crate) async fn limit<T, E>(
    resources: &Resources,
    actor: SubjectId,
    is_preview: bool,
    work: impl Future<Output = Result<T, E>>,
    is_taken: impl Fn(&E) -> bool,
) -> Result<T, Limited<E>> {
    let (key, now) = (&key(resources, actor), resources.now());
    let reserved = if is_preview { learn(resources, key, now).await? } else { look(resources, key, now).await? };
    reserved.map_err(Limited::Exhausted)?;
    match work.await {
        Err(error) if is_taken(&error) && !is_preview => match learn(resources, key, now).await? {
            Ok(()) => Err(Limited::Refused(error)),
            Err(wait) => Err(Limited::Exhausted(wait)),
        },
        Err(error) if is_taken(&error) => Err(Limited::Refused(error)),
        done => {
            if is_preview {
                give_back(resources, key, now).await?;
            }
            done.map_err(Limited::Refused)
        }
    }
}

fn key(resources: &Resources, actor: SubjectId) -> [u8; 32] {
    resources.fingerprints.hash(&[b"taken addresses told to", actor.as_uuid().as_bytes()])
}

/// Tells whether there may be one more.
async fn look(resources: &Resources, key: &[u8; 32], now: Timestamp) -> Result<Result<(), Duration>, StoreError> {
    let known = mail_budgets::find(&resources.db.reader(), key).await?;
    Ok(known.spend_within(LIMITS, now).map(drop))
}

/// Counts one more.
async fn learn(resources: &Resources, key: &[u8; 32], now: Timestamp) -> Result<Result<(), Duration>, StoreError> {
    let write = resources.db.write(|tx| async move {
        match mail_budgets::lock_or_insert(&tx, key, now).await?.spend_within(LIMITS, now) {
            Ok(after) => mail_budgets::update(&tx, key, &after, now).await.map(Ok),
            Err(wait) => Ok(Err(wait)),
        }
    });
    write.await
}

/// Takes back one that was counted at this time.
async fn give_back(resources: &Resources, key: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
    let write = resources.db.write(|tx| async move {
        let after = mail_budgets::lock_or_insert(&tx, key, now).await?.without(now);
        mail_budgets::update(&tx, key, &after, now).await
    });
    write.await
}
