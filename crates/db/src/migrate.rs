//! The schema's steps: forward only, applied once, under a lock, all or none.
//!
//! A step is a [`MigrationTrait`] with a name of its own. The steps of this crate come first, then
//! those of the context, in their order. All that are missing run in one transaction, so a step
//! that fails leaves the schema as it was.

mod platform;

use std::collections::HashSet;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::sql::{execute, statement};
use crate::{Backend, Database, Error};

/// The steps that a call to [`Database::migrate`] applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied(pub Vec<String>);

/// How the schema compares with what this program knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// Every step is applied.
    Current,
    /// So many steps are missing; `migrate` applies them.
    Behind(usize),
    /// This step was applied by a newer program; this one must not touch the data.
    Newer(String),
}

/// Why the schema was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer program was here.
    #[error("the schema holds the step {0}, which this version does not know: run a newer version")]
    Newer(String),
    /// Two steps share a name.
    #[error("two steps are named {0}")]
    Duplicate(String),
    /// The schema belongs to another context.
    #[error("the schema belongs to {found}, not to {expected}: give each context a database or a schema of its own")]
    Foreign {
        /// Whose it is.
        found: String,
        /// Who asked.
        expected: String,
    },
    /// A step failed.
    #[error("the step {name} failed")]
    Step {
        /// Which one.
        name: String,
        /// Why.
        #[source]
        source: DbErr,
    },
    /// The database did not do what every migration needs.
    #[error("the schema cannot be changed")]
    Database(#[from] Error),
}

impl From<DbErr> for MigrateError {
    fn from(error: DbErr) -> Self {
        Self::Database(error.into())
    }
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    name text NOT NULL CONSTRAINT schema_migrations_pkey PRIMARY KEY,
    context text NOT NULL,
    applied timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
)";

impl Database {
    /// Applies the missing steps; several processes may call it at once.
    pub async fn migrate(&self, steps: Vec<Box<dyn MigrationTrait>>) -> Result<Applied, MigrateError> {
        let steps = with_platform(steps)?;
        let transaction = self.begin_alone().await?;
        match self.apply_missing(&transaction, &steps).await {
            Ok(applied) => {
                transaction.commit().await?;
                if !applied.0.is_empty() {
                    tracing::info!(context = %self.inner.context, steps = applied.0.len(), "the schema is up to date");
                }
                Ok(applied)
            }
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    }

    /// Compares the schema with the steps, without changing anything.
    pub async fn schema_state(&self, steps: Vec<Box<dyn MigrationTrait>>) -> Result<SchemaState, MigrateError> {
        let steps = with_platform(steps)?;
        let reader = self.reader();
        let present = match self.backend() {
            Backend::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'",
            Backend::Postgres => {
                "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('schema_migrations')"
            }
        };
        if crate::sql::integer(&reader, present, vec![]).await? == 0 {
            return Ok(SchemaState::Behind(steps.len()));
        }
        let applied = applied(&reader, &self.inner.context).await?;
        Ok(compare(&steps, &applied))
    }

    /// Begins the transaction; on SQLite another process that migrates is waited for here.
    async fn begin_alone(&self) -> Result<DatabaseTransaction, Error> {
        const TRIES: u32 = 30;
        let options = TransactionOptions {
            isolation_level: None,
            access_mode: None,
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        };
        let mut tried = 0;
        loop {
            tried += 1;
            match self.inner.pools.writer.begin_with_options(options).await.map_err(Error::from) {
                Err(error) if error.is_conflict() && tried < TRIES => {}
                begun => return begun,
            }
        }
    }

    async fn apply_missing(
        &self,
        transaction: &DatabaseTransaction,
        steps: &[Box<dyn MigrationTrait>],
    ) -> Result<Applied, MigrateError> {
        if let Some(schema) = &self.inner.pools.schema {
            prepare_postgres(transaction, schema).await?;
        }
        transaction.execute_unprepared(TABLE).await?;
        let known = applied(transaction, &self.inner.context).await?;
        if let SchemaState::Newer(name) = compare(steps, &known) {
            return Err(MigrateError::Newer(name));
        }
        let mut done = Applied::default();
        for step in steps.iter().filter(|step| !known.contains(step.name())) {
            self.apply(transaction, step.as_ref()).await?;
            done.0.push(step.name().to_owned());
        }
        Ok(done)
    }

    async fn apply(&self, transaction: &DatabaseTransaction, step: &dyn MigrationTrait) -> Result<(), MigrateError> {
        let manager = SchemaManager::new(transaction);
        let failed = |source| MigrateError::Step { name: step.name().to_owned(), source };
        step.up(&manager).await.map_err(failed)?;
        let values = vec![step.name().into(), self.inner.context.as_str().into()];
        execute(transaction, "INSERT INTO schema_migrations (name, context) VALUES ($1, $2)", values).await?;
        tracing::debug!(context = %self.inner.context, step = step.name(), "the schema took a step");
        Ok(())
    }
}

/// Waits for other migrators, lifts the time limit of ordinary statements, and makes the schema.
async fn prepare_postgres(transaction: &DatabaseTransaction, schema: &str) -> Result<(), MigrateError> {
    for setting in ["statement_timeout = 0", "idle_in_transaction_session_timeout = 0", "lock_timeout = '60s'"] {
        transaction.execute_unprepared(&format!("SET LOCAL {setting}")).await?;
    }
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    transaction.query_one_raw(statement(transaction, lock, vec![format!("rolecall/migrate/{schema}").into()])).await?;
    // Asked first, since an application's role may lack the right to create what is already there.
    let there = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    if transaction.query_one_raw(statement(transaction, there, vec![schema.into()])).await?.is_none() {
        transaction.execute_unprepared(&format!("CREATE SCHEMA \"{}\"", schema.replace('"', ""))).await?;
    }
    Ok(())
}

fn with_platform(steps: Vec<Box<dyn MigrationTrait>>) -> Result<Vec<Box<dyn MigrationTrait>>, MigrateError> {
    let steps: Vec<_> = platform::steps().into_iter().chain(steps).collect();
    let mut names = HashSet::new();
    let repeated = steps.iter().find(|step| !names.insert(step.name().to_owned()));
    repeated.map_or(Ok(()), |step| Err(MigrateError::Duplicate(step.name().to_owned())))?;
    Ok(steps)
}

/// Reads the applied steps and refuses a schema of another context.
async fn applied<C: ConnectionTrait>(connection: &C, context: &str) -> Result<HashSet<String>, MigrateError> {
    let text = "SELECT name, context FROM schema_migrations ORDER BY name";
    let mut names = HashSet::new();
    for row in connection.query_all_raw(statement(connection, text, vec![])).await? {
        let found: String = row.try_get("", "context")?;
        if found != context {
            return Err(MigrateError::Foreign { found, expected: context.to_owned() });
        }
        names.insert(row.try_get("", "name")?);
    }
    Ok(names)
}

fn compare(steps: &[Box<dyn MigrationTrait>], applied: &HashSet<String>) -> SchemaState {
    let known: HashSet<&str> = steps.iter().map(|step| step.name()).collect();
    let newest = applied.iter().filter(|name| !known.contains(name.as_str())).max();
    if let Some(name) = newest {
        return SchemaState::Newer(name.clone());
    }
    match steps.len() - applied.len() {
        0 => SchemaState::Current,
        missing => SchemaState::Behind(missing),
    }
}
