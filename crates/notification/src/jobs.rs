//! What runs beside the services.

use std::time::Duration;

use rolecall_authz::Refusals;
use tokio_util::sync::CancellationToken;

use crate::app::{delete_finished, deliver, watch_inbox, write_refusals};
use crate::context::Shared;

/// How often it is written which calls were refused: what was counted since is lost when the process dies.
const REFUSALS: Duration = Duration::from_mins(1);

/// How often finished deliveries are looked through.
const SWEEP_PERIOD: Duration = Duration::from_mins(10);

/// Sends what is due until the shutdown; what is under way is finished first.
pub(crate) async fn deliver(shared: &Shared, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let pause = match deliver::run(shared).await {
            Ok(pass) if pass.attempted > 0 => continue,
            Ok(_) => shared.config.poll,
            Err(error) => {
                tracing::warn!(%error, "deliveries could not be claimed");
                shared.config.poll * 4
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Numbers what comes to lie in inboxes until the shutdown.
pub(crate) async fn number_messages(shared: &Shared, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = watch_inbox::number(shared).await {
            tracing::warn!(%error, "messages could not be numbered; those who watch their inbox wait for them");
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = shared.arrived.notified() => {}
            () = tokio::time::sleep(watch_inbox::POLL) => {}
        }
    }
}

/// Deletes old deliveries now and then until the shutdown.
pub(crate) async fn sweep(shared: &Shared, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP_PERIOD)).await.is_some() {
        match delete_finished::run(shared).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "old deliveries were deleted"),
            Err(error) => tracing::warn!(%error, "old deliveries could not be deleted"),
        }
    }
}

/// Writes down which calls were refused, until the shutdown and once more then.
pub(crate) async fn write_refusals(shared: &Shared, refusals: &Refusals, shutdown: CancellationToken) {
    loop {
        let is_over = shutdown.run_until_cancelled(tokio::time::sleep(REFUSALS)).await.is_none();
        if let Err(error) = write_refusals::run(shared, refusals).await {
            tracing::warn!(%error, "refused calls could not be written down");
        }
        if is_over {
            return;
        }
    }
}
