//! When keys and personal access tokens were last exchanged: collected in memory, written once in a while.
//!
//! An exchange reads only. What is not written yet when a process dies is lost, which nobody but a reader of the time
//! notices.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rolecall_db::Error as StoreError;
use rolecall_kernel::id::{AccessTokenId, ApiKeyId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::store::{access_tokens, api_keys};

/// How many are written in one transaction, so that no other writer waits for long.
const BATCH: usize = 200;

/// What was exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Used {
    /// The key of a service account.
    ApiKey(ApiKeyId),
    /// A personal access token.
    AccessToken(AccessTokenId),
}

/// What was exchanged since it was last written. It cannot grow beyond the keys and tokens that exist.
#[derive(Debug, Default)]
pub(crate) struct LastUsed(Mutex<HashMap<Used, Timestamp>>);

impl LastUsed {
    /// Notes an exchange.
    pub(crate) fn note(&self, used: Used, now: Timestamp) {
        let mut noted = self.lock();
        let latest = noted.entry(used).or_insert(now);
        *latest = now.max(*latest);
    }

    fn take(&self) -> Vec<(Used, Timestamp)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Used, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what was noted, and returns how much; what cannot be written now stays noted.
pub(crate) async fn flush(resources: &Resources) -> Result<usize, StoreError> {
    let noted = resources.last_used.take();
    for (index, batch) in noted.chunks(BATCH).enumerate() {
        if let Err(error) = write(resources, batch).await {
            for (used, time) in &noted[index * BATCH..] {
                resources.last_used.note(*used, *time);
            }
            return Err(error);
        }
    }
    Ok(noted.len())
}

async fn write(resources: &Resources, batch: &[(Used, Timestamp)]) -> Result<(), StoreError> {
    resources
        .db
        .write(|tx| async move {
            for (used, time) in batch {
                match used {
                    Used::ApiKey(id) => api_keys::note_use(&tx, *id, *time).await?,
                    Used::AccessToken(id) => access_tokens::note_use(&tx, *id, *time).await?,
                }
            }
            Ok(())
        })
        .await
}
