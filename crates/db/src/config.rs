//! The database section of a context's configuration.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::connect::{ConnectError, sqlite_file};

/// Where a context keeps its data, and how patient it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:///absolute/path/file.db` or `postgres://user:password@host/name`.
    pub url: SecretString,
    /// The most connections of this process to PostgreSQL, shared evenly by readers and writers.
    #[serde(default = "DatabaseConfig::default_max_connections")]
    pub max_connections: u32,
    /// How long a call waits for a free connection.
    #[serde(default = "DatabaseConfig::default_acquire_timeout", with = "seconds")]
    pub acquire_timeout: Duration,
    /// How long one statement may run (PostgreSQL).
    #[serde(default = "DatabaseConfig::default_statement_timeout", with = "seconds")]
    pub statement_timeout: Duration,
    /// How long one statement waits for a lock held by another.
    #[serde(default = "DatabaseConfig::default_lock_timeout", with = "seconds")]
    pub lock_timeout: Duration,
    /// The PostgreSQL schema; the context's name when absent.
    #[serde(default)]
    pub schema: Option<String>,
}

impl DatabaseConfig {
    /// Makes a configuration with the default limits.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            max_connections: Self::default_max_connections(),
            acquire_timeout: Self::default_acquire_timeout(),
            statement_timeout: Self::default_statement_timeout(),
            lock_timeout: Self::default_lock_timeout(),
            schema: None,
        }
    }

    /// Returns the SQLite file that the address names, whether it exists or not; `None` for a server.
    pub fn sqlite_file(&self, context: &str) -> Result<Option<PathBuf>, ConnectError> {
        let url = self.url.expose_secret();
        if !url.starts_with("sqlite:") {
            return Ok(None);
        }
        sqlite_file(url, context).map(Some)
    }

    const fn default_max_connections() -> u32 {
        10
    }

    const fn default_acquire_timeout() -> Duration {
        Duration::from_secs(2)
    }

    const fn default_statement_timeout() -> Duration {
        Duration::from_secs(5)
    }

    const fn default_lock_timeout() -> Duration {
        Duration::from_secs(2)
    }
}

/// Durations are written as seconds, fractions allowed.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, de::Error as _};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let duration = Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)?;
        if duration.is_zero() { Err(D::Error::custom("must be longer than zero seconds")) } else { Ok(duration) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_an_address_is_told_and_a_server_has_none() {
        let file = |url: &str| DatabaseConfig::new(url).sqlite_file("example");
        assert_eq!(file("sqlite:///var/lib/a%20b.db?mode=rwc").expect("a file"), Some("/var/lib/a b.db".into()));
        assert_eq!(file("postgres://user@host/name").expect("no file"), None);
        for wrong in ["sqlite://relative.db", "sqlite::memory:"] {
            assert!(matches!(file(wrong), Err(ConnectError::Address { .. })), "{wrong}");
        }
    }

    #[test]
    fn limits_have_defaults_and_unknown_keys_are_errors() {
        let parse = |text| serde_json::from_str::<DatabaseConfig>(text);
        let config = parse(r#"{"url": "sqlite:///x.db", "lock_timeout": 0.5}"#).expect("it is complete");
        assert_eq!((config.max_connections, config.acquire_timeout), (10, Duration::from_secs(2)));
        assert_eq!(
            (config.statement_timeout, config.lock_timeout),
            (Duration::from_secs(5), Duration::from_millis(500))
        );
        assert_eq!(config.schema, None);
        for wrong in [
            r"{}",
            r#"{"url": "x", "timeout": 1}"#,
            r#"{"url": "x", "lock_timeout": 0}"#,
            r#"{"url": "x", "lock_timeout": -1}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(!format!("{config:?}").contains("x.db"));
    }
}
