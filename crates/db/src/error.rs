//! What a database can answer instead of doing what it was asked.

use sea_orm::{ConnAcquireErr, DbErr, sqlx};

use crate::constraint::{driver_error, sqlx_error};

/// Why a statement or a transaction did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The unique constraint of this name was violated.
    #[error("the unique constraint {0} was violated")]
    Unique(String),
    /// Another transaction was in the way; the same transaction may succeed when repeated.
    #[error("another transaction was in the way")]
    Conflict,
    /// The database cannot be reached or takes no more work; whether a commit happened is unknown.
    #[error("the database is not available")]
    Unavailable,
    /// A statement or a lock took longer than allowed.
    #[error("the database took too long")]
    Timeout,
    /// A mistake of ours.
    #[error("the database refused a statement")]
    Internal(#[source] DbErr),
}

impl Error {
    /// Tells whether this is a violation of the unique constraint with that name.
    pub fn violates(&self, constraint: &str) -> bool {
        matches!(self, Self::Unique(name) if name == constraint)
    }

    /// Tells whether repeating the whole transaction may help.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict)
    }

    pub(crate) fn internal(what: &str) -> Self {
        Self::Internal(DbErr::Custom(what.to_owned()))
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let class = classify(&error);
        if !matches!(class, Class::Unique | Class::Conflict | Class::Internal) {
            tracing::warn!(%error, "the database did not answer as it should");
        }
        match class {
            Class::Unique => Self::Unique(constraint_of(&error)),
            Class::Conflict => Self::Conflict,
            Class::Unavailable => Self::Unavailable,
            Class::Timeout => Self::Timeout,
            Class::Internal => Self::Internal(error),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Unique,
    Conflict,
    Unavailable,
    Timeout,
    Internal,
}

/// Tells whether the statement met another transaction and the whole transaction may be repeated.
pub(crate) fn is_conflict(error: &DbErr) -> bool {
    classify(error) == Class::Conflict
}

fn constraint_of(error: &DbErr) -> String {
    let database = driver_error(error);
    let name = database.and_then(|database| database.constraint().or(Some(database.message())));
    name.unwrap_or_default().to_owned()
}

fn classify(error: &DbErr) -> Class {
    if let DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed) = error {
        return Class::Unavailable;
    }
    match sqlx_error(error) {
        Some(sqlx::Error::Database(database)) if database.is_unique_violation() => Class::Unique,
        Some(sqlx::Error::Database(database)) => classify_code(&database.code().unwrap_or_default()),
        Some(
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed,
        ) => Class::Unavailable,
        _ => Class::Internal,
    }
}

/// SQLSTATE of PostgreSQL (appendix A of its manual) or extended result code of SQLite.
fn classify_code(code: &str) -> Class {
    if let Ok(sqlite) = code.parse::<u32>()
        && code.len() != 5
    {
        // The low byte is the primary code: BUSY, LOCKED; READONLY, IOERR, CORRUPT, FULL, CANTOPEN.
        return match sqlite & 0xff {
            5 | 6 => Class::Conflict,
            8 | 10 | 11 | 13 | 14 => Class::Unavailable,
            _ => Class::Internal,
        };
    }
    match code {
        "40001" | "40P01" => Class::Conflict,
        "55P03" | "57014" => Class::Timeout,
        // Shutting down, starting, failed over to read-only, terminated for idling in a transaction.
        "57P01" | "57P02" | "57P03" | "57P05" | "25006" | "25P03" => Class::Unavailable,
        // Connection exceptions, insufficient resources, operator intervention's remainder, system errors.
        _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("58") => Class::Unavailable,
        _ => Class::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_say_what_a_caller_can_do() {
        for (code, class) in [
            ("40001", Class::Conflict),
            ("40P01", Class::Conflict),
            ("55P03", Class::Timeout),
            ("57014", Class::Timeout),
            ("57P01", Class::Unavailable),
            ("08006", Class::Unavailable),
            ("53300", Class::Unavailable),
            ("42601", Class::Internal),
            ("25P02", Class::Internal),
            ("5", Class::Conflict),
            ("517", Class::Conflict),
            ("13", Class::Unavailable),
            ("1", Class::Internal),
        ] {
            assert_eq!(classify_code(code), class, "{code}");
        }
    }
}
