//! Opening a database, and saying clearly why it could not be opened.

mod postgres;
mod sqlite;

use secrecy::ExposeSecret as _;

use crate::DatabaseConfig;
use crate::database::Pools;

pub(crate) use postgres::Guard;
pub(crate) use sqlite::file as sqlite_file;

/// Prepared statements kept for each connection; more than a context has.
const STATEMENTS: usize = 512;

/// Why a database could not be opened; the text says what to do and holds no password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is neither a SQLite file nor a PostgreSQL server.
    #[error(
        "the database address of {context} is not understood: write sqlite:///absolute/path/file.db or postgres://user:password@host/name"
    )]
    Address {
        /// Whose database.
        context: String,
    },
    /// The SQLite file cannot be used.
    #[error(
        "the SQLite file {path} of {context} cannot be opened ({reason}): check that its directory exists, is writable, and is on a local disk"
    )]
    File {
        /// Whose database.
        context: String,
        /// The file.
        path: String,
        /// What the database said.
        reason: String,
    },
    /// PostgreSQL was reached and said no.
    #[error(
        "PostgreSQL at {server} refuses {context} ({reason}): check the user, the password and the name of the database"
    )]
    Refused {
        /// Whose database.
        context: String,
        /// Host and port.
        server: String,
        /// What the database said.
        reason: String,
    },
    /// PostgreSQL was not reached.
    #[error(
        "PostgreSQL at {server} cannot be reached for {context} ({reason}): check that it runs, and the host and the port"
    )]
    Unreachable {
        /// Whose database.
        context: String,
        /// Host and port.
        server: String,
        /// What went wrong.
        reason: String,
    },
    /// PostgreSQL is older than what is tested.
    #[error("PostgreSQL at {server} has version {found}: {context} needs 15 or newer")]
    TooOld {
        /// Whose database.
        context: String,
        /// Host and port.
        server: String,
        /// The version found.
        found: String,
    },
}

/// Opens the pools of a database.
pub(crate) async fn open(config: &DatabaseConfig, context: &str, guard: Guard) -> Result<Pools, ConnectError> {
    let url = config.url.expose_secret();
    if url.starts_with("sqlite:") {
        sqlite::open(config, url, context).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        postgres::open(config, url, context, guard).await
    } else {
        Err(ConnectError::Address { context: context.to_owned() })
    }
}
