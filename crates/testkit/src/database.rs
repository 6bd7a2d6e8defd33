//! A fresh database for each test.

use std::time::Duration;

use rolecall_db::{Backend, Database, DatabaseConfig, UniqueConstraint};
use sea_orm_migration::MigrationTrait;
use tempfile::TempDir;

use crate::postgres::{FreshDatabase, fresh_url};

/// An empty database of a test's own, gone when it is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    config: DatabaseConfig,
    backend: Backend,
    _place: Place,
}

#[derive(Debug)]
#[expect(dead_code, reason = "held for their ends: the file and the database are removed")]
enum Place {
    Directory(TempDir),
    Server(FreshDatabase),
}

/// Waits so long that no test of many calls at once fails because the machine has no time for it; one that wants to see
/// calls shed sets shorter times itself.
fn patient(config: DatabaseConfig) -> DatabaseConfig {
    let patience = Duration::from_mins(1);
    DatabaseConfig { acquire_timeout: patience, statement_timeout: patience, lock_timeout: patience, ..config }
}

impl TestDatabase {
    /// Makes an empty SQLite file.
    #[expect(clippy::unused_async, reason = "the same shape for both databases")]
    pub async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let url = format!("sqlite://{}", directory.path().join("test.db").display());
        Self {
            config: patient(DatabaseConfig::new(url)),
            backend: Backend::Sqlite,
            _place: Place::Directory(directory),
        }
    }

    /// Makes an empty PostgreSQL database.
    pub async fn postgres() -> Self {
        let fresh = fresh_url().await;
        let config = patient(DatabaseConfig::new(fresh.url()));
        Self { config, backend: Backend::Postgres, _place: Place::Server(fresh) }
    }

    /// Returns the configuration that opens it.
    pub fn config(&self) -> DatabaseConfig {
        self.config.clone()
    }

    /// Returns which database it is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Opens it for a context, as it is.
    pub async fn connect(&self, context: &str, constraints: &'static [UniqueConstraint]) -> Database {
        Database::connect(&self.config, context, constraints).await.expect("the test database opens")
    }

    /// Opens it for a context with the schema of these steps.
    pub async fn open(
        &self,
        context: &str,
        constraints: &'static [UniqueConstraint],
        steps: Vec<Box<dyn MigrationTrait>>,
    ) -> Database {
        let db = self.connect(context, constraints).await;
        db.migrate(steps).await.expect("the schema can be made");
        db
    }
}

/// Defines tests that run on SQLite and on PostgreSQL, as `name::sqlite` and `name::postgres`.
///
/// ```
/// rolecall_testkit::on_each_database! {
///     async fn a_fresh_database_answers(database) {
///         let db = database.connect("example", &[]).await;
///         db.ping().await.expect("it answers");
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! on_each_database {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident $(: $type:ty)?) $body:block)+) => {$(
        async fn $name($database: $crate::TestDatabase) $body

        mod $name {
            $(#[$meta])*
            #[tokio::test]
            async fn sqlite() {
                super::$name($crate::TestDatabase::sqlite().await).await;
            }

            $(#[$meta])*
            #[tokio::test]
            async fn postgres() {
                super::$name($crate::TestDatabase::postgres().await).await;
            }
        }
    )+};
}
