//! Write transactions: all or nothing, repeated when another was in the way.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait as _,
};
use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, timeout};

use crate::constraint::Constraints;
use crate::error::is_conflict;
use crate::nudge::{Gathered, Topic};
use crate::{Backend, Database, Error};

/// How often a transaction is tried before its conflict is reported.
const TRIES: u32 = 3;

tokio::task_local! {
    /// Set while the work of a transaction runs.
    static WRITING: ();
}

/// Fails in builds for tests when the work of a transaction asks for another connection.
///
/// Whoever holds a connection and waits for one more waits for ever once all others do the same: so pools lock up, and
/// only when many come at once.
pub(crate) fn must_not_be_writing() {
    debug_assert!(WRITING.try_with(|()| ()).is_err(), "a transaction awaits another connection than its own");
}

/// An open write transaction; clones share it.
///
/// A statement that fails ends the transaction on both databases: what follows is rolled back,
/// whatever the closure answers.
#[derive(Clone)]
pub struct Tx {
    open: Arc<Open>,
}

struct Open {
    transaction: DatabaseTransaction,
    constraints: Constraints,
    failed: AtomicBool,
    conflicted: AtomicBool,
    told: Gathered,
}

/// What became of one try.
enum Attempt<T, E> {
    Committed(T),
    Conflict(E),
    Failed(E),
}

impl Database {
    /// Runs `work` in a transaction: commits when it answers `Ok`, rolls back when it answers `Err`.
    ///
    /// Conflicts with other transactions are retried from outside, so `work` may run up to three
    /// times and must await nothing but the database. On SQLite writes run one after the other; on
    /// PostgreSQL the isolation is READ COMMITTED. A dropped future rolls back, or, once the commit
    /// was sent, leaves it to the database whether it happened.
    pub async fn write<T, E, F, Fut>(&self, work: F) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send,
        E: From<Error>,
    {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.attempt(&work).await {
                Attempt::Committed(value) => return Ok(value),
                Attempt::Conflict(_) if tried < TRIES => sleep(pause(tried)).await,
                Attempt::Conflict(error) | Attempt::Failed(error) => return Err(error),
            }
        }
    }

    async fn attempt<T, E, F, Fut>(&self, work: &F) -> Attempt<T, E>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send,
        E: From<Error>,
    {
        let (tx, _permit) = match self.begin().await {
            Ok(begun) => begun,
            Err(error) if error.is_conflict() => return Attempt::Conflict(error.into()),
            Err(error) => return Attempt::Failed(error.into()),
        };
        // Boxed, since a use case's future is large and this one is part of every handler's.
        let outcome = WRITING.scope((), Box::pin(work(tx.clone()))).await;
        let Some(open) = Arc::into_inner(tx.open) else {
            // Somebody still holds the transaction; it is rolled back when the last holder is gone.
            return Attempt::Failed(Error::internal("a transaction was kept beyond its closure").into());
        };
        self.finish(open, outcome).await
    }

    async fn begin(&self) -> Result<(Tx, Option<SemaphorePermit<'_>>), Error> {
        must_not_be_writing();
        let permit = match &self.inner.pools.gate {
            Some(gate) => match timeout(self.inner.acquire_timeout, gate.acquire()).await {
                Ok(Ok(permit)) => Some(permit),
                Ok(Err(_)) | Err(_) => return Err(Error::Unavailable),
            },
            None => None,
        };
        let options = TransactionOptions {
            isolation_level: None,
            access_mode: None,
            // A transaction that begins by reading could not be upgraded once another has written.
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        };
        let transaction = self.inner.pools.writer.begin_with_options(options).await?;
        Ok((Tx::new(transaction, self.inner.constraints), permit))
    }

    /// Ends the transaction explicitly and awaits it, so that the connection is clean when it is reused.
    async fn finish<T, E: From<Error>>(&self, open: Open, outcome: Result<T, E>) -> Attempt<T, E> {
        let conflicted = open.conflicted.load(Ordering::Relaxed);
        let outcome = match outcome {
            // PostgreSQL answers COMMIT of a failed transaction with a silent ROLLBACK.
            Ok(_) if open.failed.load(Ordering::Relaxed) && !conflicted => {
                Err(Error::internal("a failed statement was ignored").into())
            }
            Ok(_) if conflicted => Err(Error::Conflict.into()),
            other => other,
        };
        match outcome {
            Err(error) => {
                if let Err(rollback) = open.transaction.rollback().await {
                    tracing::debug!(error = %rollback, "the rollback was left to the connection's end");
                }
                if conflicted { Attempt::Conflict(error) } else { Attempt::Failed(error) }
            }
            Ok(value) => match open.transaction.commit().await {
                Ok(()) => {
                    self.inner.nudges.tell(open.told.take());
                    Attempt::Committed(value)
                }
                Err(error) if is_conflict(&error) => Attempt::Conflict(Error::Conflict.into()),
                Err(error) => Attempt::Failed(Error::from(self.inner.constraints.name(error)).into()),
            },
        }
    }
}

/// A pause before the next try, spread so that those who met once do not meet again.
fn pause(tried: u32) -> Duration {
    Duration::from_millis(u64::from(tried) * 5 + spread(20))
}

/// A number below the limit that differs from time to time and from process to process.
pub(crate) fn spread(limit: u64) -> u64 {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let drawn = DRAWN.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed) ^ u64::from(std::process::id());
    (drawn.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) % limit.max(1)
}

impl Tx {
    fn new(transaction: DatabaseTransaction, constraints: Constraints) -> Self {
        Self {
            open: Arc::new(Open {
                transaction,
                constraints,
                failed: AtomicBool::new(false),
                conflicted: AtomicBool::new(false),
                told: Gathered::default(),
            }),
        }
    }

    /// Returns which database it is.
    pub fn backend(&self) -> Backend {
        if self.get_database_backend() == DbBackend::Postgres { Backend::Postgres } else { Backend::Sqlite }
    }

    /// Remembers that the relay has something to do once this is committed.
    pub(crate) fn appended_to_outbox(&self) {
        self.open.told.add(Topic::Outbox);
    }

    /// Remembers that the sequencer has something to do once this is committed.
    pub(crate) fn appended_to_feed(&self) {
        self.open.told.add(Topic::Feed);
    }

    /// Makes whoever waits on [`Database::feed_changes`], here and in other processes, look once this is committed.
    pub fn announce_change(&self) {
        self.open.told.add(Topic::Changes);
    }

    /// Remembers how the statement ended and names the constraint it violated.
    fn note<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        result.map_err(|error| {
            self.open.failed.store(true, Ordering::Relaxed);
            if is_conflict(&error) {
                self.open.conflicted.store(true, Ordering::Relaxed);
            }
            self.open.constraints.name(error)
        })
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.open.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(self.open.transaction.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(self.open.transaction.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.note(self.open.transaction.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(self.open.transaction.query_all_raw(statement).await)
    }
}
