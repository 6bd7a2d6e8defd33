//! Deletes what has served its time, in small transactions.

use std::sync::Arc;
use std::time::Duration;

use rolecall_kernel::time::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::sql::execute;
use crate::{Database, Error};

const DAY: Duration = Duration::from_hours(24);

/// How long rows are kept that nothing waits for.
#[derive(Debug, Clone)]
pub struct Retention {
    /// Events delivered to all their consumers.
    pub delivered: Duration,
    /// Names of handled events; longer than any relay retries.
    pub inbox: Duration,
    /// Answers to requests that may be repeated.
    pub idempotency: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { delivered: DAY * 7, inbox: DAY * 35, idempotency: DAY }
    }
}

/// The most rows deleted in one transaction, so that writers wait only shortly.
const CHUNK: u64 = 1_000;

const OUTBOX: &str = "DELETE FROM outbox WHERE position IN (
    SELECT o.position FROM outbox o WHERE o.occurred < $1 AND NOT EXISTS (
        SELECT 1 FROM outbox_deliveries d WHERE d.position = o.position AND (d.state <> 1 OR d.settled >= $1)
    ) ORDER BY o.occurred LIMIT 1000)";

const INBOX: &str = "DELETE FROM inbox WHERE (source, event_id) IN (
    SELECT source, event_id FROM inbox WHERE accepted < $1 ORDER BY accepted LIMIT 1000)";

const IDEMPOTENCY: &str = "DELETE FROM idempotency_records WHERE (caller, method, request_id) IN (
    SELECT caller, method, request_id FROM idempotency_records WHERE created < $1 ORDER BY created LIMIT 1000)";

/// How often it is looked for.
const PERIOD: Duration = Duration::from_hours(1);

/// Deletes what is past its retention, at once and again every hour, until the shutdown.
pub async fn work(db: Database, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    let retention = Retention::default();
    loop {
        match run(&db, clock.now(), &retention).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "rows past their retention were deleted"),
            Err(error) => tracing::warn!(%error, "rows past their retention could not be deleted"),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_none() {
            return;
        }
    }
}

/// Deletes all that is past its retention and returns how many rows that were.
pub async fn run(db: &Database, now: Timestamp, retention: &Retention) -> Result<u64, Error> {
    let mut deleted = 0;
    for (text, kept) in [(OUTBOX, retention.delivered), (INBOX, retention.inbox), (IDEMPOTENCY, retention.idempotency)]
    {
        let before = now.minus(kept).as_micros();
        loop {
            let chunk = db.write(|tx| async move { execute(&tx, text, vec![before.into()]).await }).await?;
            deleted += chunk;
            if chunk < CHUNK {
                break;
            }
        }
    }
    Ok(deleted)
}
