//! What happens without anybody asking, and how often.

use std::sync::Arc;
use std::time::Duration;

use rolecall_db::Error as StoreError;
use tokio_util::sync::CancellationToken;

use crate::app::{Resources, accept_invitation, saga, watch_revocations};
use crate::store::{api_keys, login_failures, sessions};

/// How often unfinished work is looked for.
const RECOVERY: Duration = Duration::from_millis(500);
/// How often what has served its time is deleted.
const SWEEP: Duration = Duration::from_mins(10);
/// How often revocations of other processes are looked for.
const POLL: Duration = Duration::from_millis(100);
/// How long ended sessions, old failures and ended keys are kept.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Finishes or undoes work whose worker is gone, until the shutdown.
pub(crate) async fn recover(resources: Arc<Resources>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(RECOVERY)).await.is_some() {
        recover_once(&resources).await;
    }
}

/// Looks once for unfinished work and returns how much was settled.
pub(crate) async fn recover_once(resources: &Resources) -> usize {
    let mut settled = 0;
    for result in [saga::recover(resources).await, accept_invitation::recover(resources).await] {
        match result {
            Ok(some) => settled += some,
            Err(error) => tracing::warn!(%error, "unfinished work could not be looked for"),
        }
    }
    settled
}

/// Obeys revocations of other processes, until the shutdown.
pub(crate) async fn follow_revocations(resources: Arc<Resources>, shutdown: CancellationToken) {
    let mut changes = resources.db.feed_changes();
    let mut position = None;
    while !shutdown.is_cancelled() {
        match follow_once(&resources, position).await {
            Ok(reached) => position = Some(reached),
            // Without a heartbeat this process refuses what it cannot confirm.
            Err(error) => tracing::warn!(%error, "revocations could not be read"),
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = changes.changed() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn follow_once(resources: &Resources, position: Option<i64>) -> Result<i64, StoreError> {
    let position = match position {
        Some(position) => position,
        None => watch_revocations::beginning(resources).await?,
    };
    watch_revocations::obey(resources, position).await
}

/// Deletes what has served its time, until the shutdown.
pub(crate) async fn sweep(resources: Arc<Resources>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
        if let Err(error) = sweep_once(&resources).await {
            tracing::warn!(%error, "old rows could not be deleted");
        }
    }
}

/// Deletes once and returns how many rows that were.
pub(crate) async fn sweep_once(resources: &Resources) -> Result<u64, StoreError> {
    let before = resources.now().minus(KEPT);
    resources
        .db
        .write(|tx| async move {
            let mut deleted = sessions::sweep(&tx, before).await?;
            deleted += login_failures::sweep(&tx, before).await?;
            deleted += api_keys::sweep(&tx, before).await?;
            Ok(deleted)
        })
        .await
}
