//! SQLite: many readers, one writer, every commit on the disk.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sea_orm::SqlxSqliteConnector;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::sync::Semaphore;

use super::ConnectError;
use crate::DatabaseConfig;
use crate::database::{Backend, Pools};

/// More readers than this only wait for each other's pages on common machines.
const READERS: u32 = 4;

pub(super) async fn open(config: &DatabaseConfig, url: &str, context: &str) -> Result<Pools, ConnectError> {
    let options = parse(url, context)?;
    let path = options.get_filename().to_path_buf();
    let failed =
        |reason: String| ConnectError::File { context: context.to_owned(), path: path.display().to_string(), reason };
    create_private(&path).map_err(|error| failed(error.to_string()))?;
    let options = options
        .disable_statement_logging()
        .statement_cache_capacity(super::STATEMENTS)
        .foreign_keys(true)
        .busy_timeout(config.lock_timeout);
    let writer = writer(config, &options).await.map_err(|error| failed(error.to_string()))?;
    let reader = reader(config, &options).await.map_err(|error| failed(error.to_string()))?;
    Ok(Pools {
        backend: Backend::Sqlite,
        schema: None,
        reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
        gate: Some(Semaphore::new(1)),
        // The file has no other process.
        listen: None,
    })
}

/// Returns the file that an address names.
pub(crate) fn file(url: &str, context: &str) -> Result<PathBuf, ConnectError> {
    Ok(parse(url, context)?.get_filename().to_path_buf())
}

/// Only files: the reader and the writer of a database in memory would not share it.
fn parse(url: &str, context: &str) -> Result<SqliteConnectOptions, ConnectError> {
    let wrong = || ConnectError::Address { context: context.to_owned() };
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(wrong());
    }
    let options: SqliteConnectOptions = url.parse().map_err(|_| wrong())?;
    if options.get_filename().is_absolute() { Ok(options) } else { Err(wrong()) }
}

/// Creates a missing file readable by its owner only; SQLite gives its journals the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

async fn writer(config: &DatabaseConfig, options: &SqliteConnectOptions) -> Result<SqlitePool, sea_orm::SqlxError> {
    let options = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", "67108864")
        .optimize_on_close(true, 400);
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    pool.acquire_timeout(config.acquire_timeout).connect_with(options).await
}

/// A reader cannot write: an autocommit write would escape the transaction that owns its event.
async fn reader(config: &DatabaseConfig, options: &SqliteConnectOptions) -> Result<SqlitePool, sea_orm::SqlxError> {
    let options = options.clone().pragma("query_only", "ON");
    let pool = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
    pool.acquire_timeout(config.acquire_timeout).connect_with(options).await
}
