//! PostgreSQL: readers that cannot write, writers that are never handed out inside a transaction.

use std::time::Duration;

use sea_orm::sqlx::pool::PoolConnectionMetadata;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sea_orm::sqlx::{ConnectOptions as _, Connection as _, Row as _, raw_sql};
use sea_orm::{SqlxError, SqlxPostgresConnector};

use super::ConnectError;
use crate::DatabaseConfig;
use crate::database::{Backend, Pools};
use crate::nudge::Listen;

const OLDEST: u32 = 150_000;

/// How long a transaction may wait for its next statement before PostgreSQL ends it. Between the
/// statements of a transaction nothing but the database is awaited.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// A reader unused for longer is asked whether it still lives, since the server may have restarted.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Whether writers are checked for a transaction that a cancelled `begin` left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    On,
    /// Only for the proof that the guard is needed.
    Off,
}

pub(super) async fn open(
    config: &DatabaseConfig,
    url: &str,
    context: &str,
    guard: Guard,
) -> Result<Pools, ConnectError> {
    let options: PgConnectOptions = url.parse().map_err(|_| ConnectError::Address { context: context.to_owned() })?;
    let schema = config.schema.clone().unwrap_or_else(|| context.to_owned());
    let options = session(options, config, context, &schema);
    check_server(&options, config, context).await?;
    let readers = (config.max_connections / 2).max(1);
    let writers = config.max_connections.saturating_sub(readers).max(1);
    let pool = |size| {
        PgPoolOptions::new().max_connections(size).acquire_timeout(config.acquire_timeout).test_before_acquire(false)
    };
    let listen = Listen::new(options.clone(), &schema, context, config.acquire_timeout);
    Ok(Pools {
        backend: Backend::Postgres,
        schema: Some(schema),
        reader: SqlxPostgresConnector::from_sqlx_postgres_pool(reader(pool(readers), &options)),
        writer: SqlxPostgresConnector::from_sqlx_postgres_pool(writer(pool(writers), options, guard)),
        gate: None,
        listen: Some(listen),
    })
}

/// The settings of every session, sent when it is opened.
fn session(options: PgConnectOptions, config: &DatabaseConfig, context: &str, schema: &str) -> PgConnectOptions {
    let millis = |duration: Duration| duration.as_millis().max(1).to_string();
    options
        .disable_statement_logging()
        .statement_cache_capacity(super::STATEMENTS)
        .application_name(&format!("rolecall-{context}"))
        .options([
            ("search_path", format!("\"{}\"", schema.replace('"', ""))),
            ("statement_timeout", millis(config.statement_timeout)),
            ("lock_timeout", millis(config.lock_timeout)),
            ("idle_in_transaction_session_timeout", millis(IDLE_IN_TRANSACTION)),
            ("default_transaction_isolation", "read committed".to_owned()),
            ("client_min_messages", "warning".to_owned()),
        ])
}

/// Opens one connection outside the pools, whose error is exact, and asks for the version.
async fn check_server(options: &PgConnectOptions, config: &DatabaseConfig, context: &str) -> Result<(), ConnectError> {
    let server = || format!("{}:{}", options.get_host(), options.get_port());
    let connecting = PgConnection::connect_with(options);
    let connection = match tokio::time::timeout(config.acquire_timeout, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(SqlxError::Database(error))) => {
            return Err(ConnectError::Refused {
                context: context.to_owned(),
                server: server(),
                reason: error.message().to_owned(),
            });
        }
        Ok(Err(error)) => {
            return Err(ConnectError::Unreachable {
                context: context.to_owned(),
                server: server(),
                reason: error.to_string(),
            });
        }
        Err(_) => {
            return Err(ConnectError::Unreachable {
                context: context.to_owned(),
                server: server(),
                reason: "no answer in time".to_owned(),
            });
        }
    };
    let version = connection.server_version_num().unwrap_or(OLDEST);
    // The server notices a vanished client by itself.
    let _ = connection.close().await;
    if version < OLDEST {
        let found = format!("{}.{}", version / 10_000, version % 10_000);
        return Err(ConnectError::TooOld { context: context.to_owned(), server: server(), found });
    }
    Ok(())
}

/// A reader cannot write: an autocommit write would escape the transaction that owns its event.
fn reader(pool: PgPoolOptions, options: &PgConnectOptions) -> PgPool {
    let options = options.clone().options([("default_transaction_read_only", "on")]);
    pool.before_acquire(|connection, metadata| Box::pin(is_alive(connection, metadata))).connect_lazy_with(options)
}

async fn is_alive(connection: &mut PgConnection, metadata: PoolConnectionMetadata) -> Result<bool, SqlxError> {
    if metadata.idle_for > TRUSTED_IDLE {
        connection.ping().await?;
    }
    Ok(true)
}

fn writer(pool: PgPoolOptions, options: PgConnectOptions, guard: Guard) -> PgPool {
    match guard {
        Guard::On => pool.before_acquire(|connection, _| Box::pin(is_outside_transaction(connection))),
        Guard::Off => pool,
    }
    .connect_lazy_with(options)
}

/// Refuses a connection inside a transaction: a `begin` cancelled in flight leaves one open on the
/// server (sqlx 0.9, its issues 4385 and 4393), and what the next user writes would be rolled back
/// after it was told that all is well.
///
/// Outside a transaction both times are those of this very message. Only the simple protocol
/// guarantees that; it also serves as the check that the connection lives.
async fn is_outside_transaction(connection: &mut PgConnection) -> Result<bool, SqlxError> {
    let row = raw_sql("SELECT transaction_timestamp() = statement_timestamp()").fetch_one(connection).await?;
    row.try_get(0)
}
