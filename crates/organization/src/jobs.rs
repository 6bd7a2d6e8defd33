//! Work that nobody asks for: following changes of other processes, going on after crashes, tidying.

use std::sync::Arc;
use std::time::Duration;

use rolecall_authz::Refusals;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::app::audit_log::{chain, checkpoints};
use crate::app::{App, create_organization, follow_access, lift_ended_blocks, write_refusals};
use crate::grpc::Api;
use crate::store::{access, guests, organizations, removals};

/// Changes of access elsewhere are obeyed after this time, if nothing tells of them earlier.
const FOLLOW: Duration = Duration::from_millis(100);
/// Blocks that have ended are written down after this time.
const LIFT: Duration = Duration::from_secs(1);
/// Old changes of access and old removals are forgotten at this distance.
const TRIM: Duration = Duration::from_hours(1);

/// Refused calls are written down after this time: what was counted since is lost when the process dies.
const REFUSALS: Duration = Duration::from_mins(1);

/// Entries of the audit log that other processes took are chained after this time; those of this one at once.
const CHAIN: Duration = Duration::from_millis(100);
/// It is looked for chains to sign at this distance.
const SIGN: Duration = Duration::from_secs(5);

/// Removed subjects are remembered for this long; no call is on its way for more than a fraction of it.
const REMEMBER_REMOVED: Duration = Duration::from_hours(24);

/// Deleted organizations are kept for this long.
const KEEP_DELETED: Duration = Duration::from_hours(30 * 24);

/// Follows the changes of access, also those of other processes, for this process's cache.
pub(crate) async fn follow(api: Arc<Api>, shutdown: CancellationToken) {
    let (mut changed, mut seen) = (api.app.database.feed_changes(), None);
    loop {
        match follow_access::run(&api.app, seen).await {
            Ok(revision) => seen = Some(revision),
            Err(error) => tracing::warn!(%error, "changes of access could not be followed"),
        }
        if shutdown.run_until_cancelled(timeout(FOLLOW, changed.changed())).await.is_none() {
            return;
        }
    }
}

/// Goes on with organizations whose making was left behind.
pub(crate) async fn recover(api: Arc<Api>, shutdown: CancellationToken) {
    let period = api.app.creation_lease / 4;
    let recover =
        || async { create_organization::recover(&api.app).await.map(drop).map_err(|error| error.to_string()) };
    every(period, &shutdown, recover).await;
}

/// Writes down that blocks have ended.
pub(crate) async fn lift(api: Arc<Api>, shutdown: CancellationToken) {
    let lift = || async { lift_ended_blocks::run(&api.app).await.map(drop).map_err(|error| error.to_string()) };
    every(LIFT, &shutdown, lift).await;
}

/// Forgets old changes of access.
pub(crate) async fn trim(api: Arc<Api>, retention: Duration, shutdown: CancellationToken) {
    every(TRIM, &shutdown, || forget(&api.app, retention)).await;
}

/// Forgets changes of access that are older than the retention.
pub(crate) async fn forget(app: &App, retention: Duration) -> Result<(), String> {
    let before = app.now().minus(retention);
    let trimmed = app.database.write(|tx| async move { access::trim(&tx, before).await }).await;
    trimmed.map_err(|error: rolecall_db::Error| error.to_string())
}

/// Forgets old removals.
pub(crate) async fn sweep(api: Arc<Api>, shutdown: CancellationToken) {
    every(TRIM, &shutdown, || forget_removed(&api.app)).await;
}

/// Forgets subjects that were removed so long ago that nothing of them can be on its way, guests that have ended, and
/// organizations that were deleted long ago.
pub(crate) async fn forget_removed(app: &App) -> Result<(), String> {
    let before = app.now().minus(REMEMBER_REMOVED);
    let now = app.now();
    let swept = app.database.write(|tx| async move {
        guests::sweep(&tx, now).await?;
        organizations::purge(&tx, now.minus(KEEP_DELETED)).await?;
        removals::delete_before(&tx, before).await
    });
    let swept = swept.await;
    swept.map(drop).map_err(|error: rolecall_db::Error| error.to_string())
}

/// Chains what the audit log has taken.
pub(crate) async fn chain_audit(api: Arc<Api>, shutdown: CancellationToken) {
    let taken = Arc::clone(&api.app.audit.taken);
    loop {
        if let Err(error) = chain::run(&api.app).await {
            tracing::warn!(%error, "entries of the audit log could not be chained");
        }
        if shutdown.run_until_cancelled(timeout(CHAIN, taken.notified())).await.is_none() {
            return;
        }
    }
}

/// Signs the ends of the chains of the audit log.
pub(crate) async fn sign_audit(api: Arc<Api>, shutdown: CancellationToken) {
    let sign = || async { checkpoints::run(&api.app).await.map(drop).map_err(|error| error.to_string()) };
    every(SIGN, &shutdown, sign).await;
}

/// Writes down which calls were refused, until the shutdown and once more then.
pub(crate) async fn write_refusals(api: Arc<Api>, refusals: Refusals, shutdown: CancellationToken) {
    let write =
        || async { write_refusals::run(&api.app, &refusals).await.map(drop).map_err(|error| error.to_string()) };
    every(REFUSALS, &shutdown, write).await;
    if let Err(error) = write().await {
        tracing::warn!(%error, "refused calls could not be written down");
    }
}

/// Works, and works again after each period, until the shutdown; work under way is finished.
async fn every<Fut>(period: Duration, shutdown: &CancellationToken, work: impl Fn() -> Fut)
where
    Fut: Future<Output = Result<(), String>>,
{
    loop {
        if let Err(error) = work().await {
            tracing::warn!(%error, "a job failed and is tried again");
        }
        if shutdown.run_until_cancelled(sleep(period)).await.is_none() {
            return;
        }
    }
}
