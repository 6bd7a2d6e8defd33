//! Numbers feed entries after their commit, one sequencer at a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::time::Clock;
use sea_orm::ConnectionTrait as _;
use sea_orm::prelude::Uuid;
use tokio_util::sync::CancellationToken;

use crate::feed::advance;
use crate::leases;
use crate::nudge::Topic;
use crate::sql::{execute, integer, statement};
use crate::{Database, Error, Tx};

/// How a sequencer works.
#[derive(Debug, Clone)]
pub struct SequencerConfig {
    /// How long the others leave the work to one that died.
    pub lease: Duration,
    /// How often entries are looked for when nothing wakes the sequencer.
    pub poll: Duration,
    /// The most entries numbered in one transaction.
    pub batch: u16,
    /// How long entries are kept.
    pub retention: Duration,
}

impl Default for SequencerConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(2),
            poll: Duration::from_millis(100),
            batch: 500,
            retention: Duration::from_hours(7 * 24),
        }
    }
}

/// Numbers the feeds of one database.
pub struct Sequencer {
    db: Database,
    clock: Arc<dyn Clock>,
    holder: Uuid,
    config: SequencerConfig,
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequencer").field("db", &self.db).field("holder", &self.holder).finish_non_exhaustive()
    }
}

impl Sequencer {
    /// Makes a sequencer; it does nothing until it runs.
    pub fn new(db: Database, clock: Arc<dyn Clock>, entropy: &dyn Entropy, config: SequencerConfig) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self { db, clock, holder: Uuid::from_bytes(random), config }
    }

    /// Numbers and trims until the shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::join!(self.follow(&shutdown), self.trim_now_and_then(&shutdown));
    }

    /// Numbers all that is committed and returns how many entries that were.
    pub async fn drain(&self) -> Result<usize, Error> {
        let mut numbered = 0;
        loop {
            match self.pulse().await? {
                0 => return Ok(numbered),
                some => numbered += some,
            }
        }
    }

    /// Deletes entries past their retention, oldest numbers first, never leaving a hole.
    pub async fn trim(&self) -> Result<u64, Error> {
        let before = self.clock.now().minus(self.config.retention).as_micros();
        let text = "DELETE FROM feed_entries WHERE feed = $1 AND seq <= (
            SELECT max(seq) FROM feed_entries WHERE feed = $1 AND created < $2)";
        let mut trimmed = 0;
        for feed in self.feeds("SELECT feed FROM feed_heads").await? {
            let feed = feed.as_str();
            trimmed +=
                self.db.write(|tx| async move { execute(&tx, text, vec![feed.into(), before.into()]).await }).await?;
        }
        Ok(trimmed)
    }

    async fn follow(&self, shutdown: &CancellationToken) {
        let mut appended = self.db.inner.nudges.wait_for(Topic::Feed);
        while !shutdown.is_cancelled() {
            let pause = match self.drain().await {
                Ok(_) => self.config.poll,
                Err(error) => {
                    tracing::warn!(%error, "feed entries could not be numbered");
                    self.config.poll * 10
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                _ = appended.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn trim_now_and_then(&self, shutdown: &CancellationToken) {
        const PERIOD: Duration = Duration::from_mins(10);
        while shutdown.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            if let Err(error) = self.trim().await {
                tracing::warn!(%error, "old feed entries could not be deleted");
            }
        }
    }

    /// Numbers one batch of each feed that has something to number.
    async fn pulse(&self) -> Result<usize, Error> {
        let mut numbered = 0;
        for feed in self.feeds("SELECT DISTINCT feed FROM feed_entries WHERE seq IS NULL").await? {
            let feed = feed.as_str();
            numbered += self.db.write(|tx| self.number(tx, feed)).await?;
        }
        Ok(numbered)
    }

    async fn feeds(&self, text: &str) -> Result<Vec<String>, Error> {
        let reader = self.db.reader();
        let rows = reader.query_all_raw(statement(&reader, text, vec![])).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    async fn number(&self, tx: Tx, feed: &str) -> Result<usize, Error> {
        let lease = leases::hold(&tx, "feed_sequencer", self.holder, self.config.lease, self.clock.now()).await?;
        if lease.is_none() {
            return Ok(0);
        }
        // The head's row is held from here on: numbers are given in the order of these transactions,
        // and the next statement sees all that was committed before.
        let head = advance(&tx, feed, 0).await?;
        let text = "UPDATE feed_entries SET seq = $2 + chosen.rank FROM (
                SELECT entry, row_number() OVER (ORDER BY entry) AS rank FROM (
                    SELECT entry FROM feed_entries WHERE feed = $1 AND seq IS NULL ORDER BY entry LIMIT $3
                ) AS waiting
            ) AS chosen
            WHERE feed_entries.entry = chosen.entry";
        let values = vec![feed.into(), head.into(), i64::from(self.config.batch).into()];
        let numbered = execute(&tx, text, values).await?;
        advance(&tx, feed, i64::try_from(numbered).unwrap_or_default()).await?;
        if numbered > 0 {
            tx.announce_change();
        }
        Ok(usize::try_from(numbered).unwrap_or_default())
    }

    /// Returns how many committed entries wait for their number.
    pub async fn waiting(&self) -> Result<u64, Error> {
        let text = "SELECT count(*) FROM feed_entries WHERE seq IS NULL";
        Ok(u64::try_from(integer(&self.db.reader(), text, vec![]).await?).unwrap_or_default())
    }
}
