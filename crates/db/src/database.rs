//! A context's database: its pools, its reader, its life.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::{Semaphore, watch};

use crate::connect::{ConnectError, Guard, open};
use crate::constraint::Constraints;
use crate::nudge::{Listen, Nudges, Topic};
use crate::transaction::must_not_be_writing;
use crate::{DatabaseConfig, Error, UniqueConstraint};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// One file, many readers, one writer.
    Sqlite,
    /// A server.
    Postgres,
}

/// What the two kinds of database open.
pub(crate) struct Pools {
    pub(crate) backend: Backend,
    /// The PostgreSQL schema.
    pub(crate) schema: Option<String>,
    pub(crate) reader: DatabaseConnection,
    pub(crate) writer: DatabaseConnection,
    /// Lets one write in at a time, in the order of asking, where the database has one writer.
    pub(crate) gate: Option<Semaphore>,
    /// How other processes are heard, where there are others.
    pub(crate) listen: Option<Listen>,
}

/// A context's database; clones share it.
#[derive(Clone)]
pub struct Database {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) pools: Pools,
    pub(crate) context: String,
    pub(crate) constraints: Constraints,
    pub(crate) acquire_timeout: Duration,
    pub(crate) nudges: Nudges,
}

impl Database {
    /// Opens the database of a context and checks that it answers.
    pub async fn connect(
        config: &DatabaseConfig,
        context: &str,
        constraints: &'static [UniqueConstraint],
    ) -> Result<Self, ConnectError> {
        let pools = open(config, context, Guard::On).await?;
        Ok(Self::from_pools(config, context, constraints, pools))
    }

    /// Opens it without the guard against open transactions, for the proof that the guard is needed.
    #[doc(hidden)]
    pub async fn connect_unguarded(config: &DatabaseConfig, context: &str) -> Result<Self, ConnectError> {
        let pools = open(config, context, Guard::Off).await?;
        Ok(Self::from_pools(config, context, &[], pools))
    }

    fn from_pools(
        config: &DatabaseConfig,
        context: &str,
        constraints: &'static [UniqueConstraint],
        pools: Pools,
    ) -> Self {
        let listen = pools.listen.clone();
        Self {
            inner: Arc::new(Inner {
                pools,
                context: context.to_owned(),
                constraints: Constraints(constraints),
                acquire_timeout: config.acquire_timeout,
                nudges: Nudges::new(listen),
            }),
        }
    }

    /// Returns which database it is.
    pub fn backend(&self) -> Backend {
        self.inner.pools.backend
    }

    /// Returns the context whose data it holds.
    pub fn context(&self) -> &str {
        &self.inner.context
    }

    /// Returns a connection that reads, each statement by itself; it refuses to write.
    pub fn reader(&self) -> Reader {
        Reader { connection: self.inner.pools.reader.clone() }
    }

    /// Returns a receiver that changes when followers may have something to read: feed entries were numbered, or a
    /// transaction [announced a change](crate::Tx::announce_change), in this process or another.
    ///
    /// What is lost on the way to another process is not repeated, so followers poll as well.
    pub fn feed_changes(&self) -> watch::Receiver<()> {
        self.inner.nudges.wait_for(Topic::Changes)
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), Error> {
        let reader = self.reader();
        crate::sql::integer(&reader, "SELECT CAST(1 AS bigint)", vec![]).await.map(drop)
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(self) {
        self.inner.nudges.close().await;
        // Closing a pool does not fail; the signature is SeaORM's.
        let _ = self.inner.pools.reader.close_by_ref().await;
        let _ = self.inner.pools.writer.close_by_ref().await;
    }

    /// Returns the bare writer, for the proof that the guard is needed.
    #[doc(hidden)]
    pub fn unguarded_writer(&self) -> &DatabaseConnection {
        &self.inner.pools.writer
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("context", &self.inner.context).field("backend", &self.backend()).finish()
    }
}

/// Reads, each statement by itself; a statement that would change something is refused.
#[derive(Clone)]
pub struct Reader {
    connection: DatabaseConnection,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        must_not_be_writing();
        self.connection.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        must_not_be_writing();
        self.connection.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        must_not_be_writing();
        self.connection.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        must_not_be_writing();
        self.connection.query_all_raw(statement).await
    }
}
