//! Names of unique constraints, also on SQLite, which does not report them.

mod schema;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// A unique constraint or index whose violation means something to a use case.
///
/// PostgreSQL reports the name; SQLite reports table and columns, from which the name is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UniqueConstraint {
    /// The name in the schema, such as `users_email_key`.
    pub name: &'static str,
    /// The table.
    pub table: &'static str,
    /// The columns in the order of the index.
    pub columns: &'static [&'static str],
}

/// Lists unique constraints: `constraints! { "users_email_key" => "users", ["email_key"] }`.
#[macro_export]
macro_rules! constraints {
    ($($name:literal => $table:literal, [$($column:literal),+ $(,)?]);* $(;)?) => {
        &[$($crate::UniqueConstraint { name: $name, table: $table, columns: &[$($column),+] }),*]
    };
}

/// What a context's constraints are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constraints(pub(crate) &'static [UniqueConstraint]);

/// The constraints of this crate's own tables.
const PLATFORM: &[UniqueConstraint] = constraints! {
    "outbox_event_id_key" => "outbox", ["event_id"];
    "inbox_pkey" => "inbox", ["source", "event_id"];
    "idempotency_key" => "idempotency_records", ["caller", "method", "request_id"];
    "feed_entries_seq_key" => "feed_entries", ["feed", "seq"];
};

impl Constraints {
    /// Adds the constraint's name to a unique violation of SQLite; leaves any other error alone.
    pub(crate) fn name(self, error: DbErr) -> DbErr {
        let named = driver_error(&error).and_then(|database| self.violation(database));
        named.map_or(error, |violation| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(sqlx::Error::database(violation)))))
    }

    fn violation(self, error: &dyn DatabaseError) -> Option<NamedViolation> {
        if !error.is_unique_violation() || error.constraint().is_some() {
            return None;
        }
        let message = error.message().to_owned();
        let constraint = self.find(message.strip_prefix("UNIQUE constraint failed: ")?)?;
        Some(NamedViolation { message, constraint })
    }

    /// Finds the name for `users.organization_id, users.email_key` or `index 'users_lower_key'`.
    fn find(self, place: &str) -> Option<String> {
        if let Some(index) = place.strip_prefix("index '") {
            return index.strip_suffix('\'').map(str::to_owned);
        }
        let columns: Vec<(&str, &str)> = place.split(", ").filter_map(|column| column.split_once('.')).collect();
        let is_it = |constraint: &&UniqueConstraint| {
            let declared = constraint.columns.iter().map(|column| (constraint.table, *column));
            columns.iter().copied().eq(declared)
        };
        self.0.iter().chain(PLATFORM).find(is_it).map(|constraint| constraint.name.to_owned())
    }
}

/// Returns what the driver was told by the database.
pub(crate) fn driver_error(error: &DbErr) -> Option<&dyn DatabaseError> {
    sqlx_error(error)?.as_database_error()
}

/// Returns the error of the driver below `SeaORM`.
pub(crate) fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    if let DbErr::Conn(RuntimeErr::SqlxError(inner))
    | DbErr::Exec(RuntimeErr::SqlxError(inner))
    | DbErr::Query(RuntimeErr::SqlxError(inner)) = error
    {
        return Some(inner);
    }
    None
}

/// A unique violation of SQLite that carries the constraint's name, as PostgreSQL's do.
#[derive(Debug)]
struct NamedViolation {
    message: String,
    constraint: String,
}

impl fmt::Display for NamedViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for NamedViolation {}

impl DatabaseError for NamedViolation {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed("2067"))
    }

    fn constraint(&self) -> Option<&str> {
        Some(&self.constraint)
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::UniqueViolation
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }
}
