//! The databases of the hosted services: opened, checked, migrated.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};
use rolecall_access::Access;
use rolecall_db::{Applied, Database, MigrateError, SchemaState, UniqueConstraint};
use rolecall_governance::Governance;
use rolecall_identity::Identity;
use rolecall_notification::Notification;
use rolecall_organization::Organization;
use sea_orm_migration::MigrationTrait;

use crate::config::Service;
use crate::config::schema::Config;
use crate::{data_dir, settings};

/// Opens the database of a service.
pub(crate) async fn open(config: &Config, service: Service, data_dir: &Path) -> Result<Database> {
    let settings = settings::database(config, service, data_dir);
    Ok(Database::connect(&settings, service.name(), constraints(service)).await?)
}

/// Opens the database of a service with a schema that this version knows.
///
/// A file has no other user than this process, so its schema is brought up to date at once.
pub(crate) async fn open_current(config: &Config, service: Service, data_dir: &Path) -> Result<Database> {
    let database = open(config, service, data_dir).await?;
    let name = service.name();
    match schema(&database, service).await? {
        SchemaState::Current => {}
        SchemaState::Behind(_) if settings::is_sqlite(config, service) || config.database.migrate_at_start => {
            migrate(&database, service).await?;
        }
        SchemaState::Behind(steps) => bail!(
            "the schema of {name} is {steps} steps behind this version: run `rolecall migrate` with the same \
             configuration, then start again"
        ),
        SchemaState::Newer(step) => return Err(newer(name, &step)),
    }
    Ok(database)
}

/// Migrates the databases of all configured services and tells what was done.
pub(crate) async fn migrate_all(config: &Config) -> Result<Vec<String>> {
    let data_dir = data_dir::prepare(config)?;
    let mut lines = Vec::new();
    for service in &config.server.services {
        let database = open(config, *service, &data_dir).await?;
        let Applied(steps) = migrate(&database, *service).await?;
        lines.push(match steps.len() {
            0 => format!("{}: already current", service.name()),
            count => format!("{}: {count} steps applied", service.name()),
        });
        database.close().await;
    }
    Ok(lines)
}

/// Compares the schema of a service with what this version knows.
pub(crate) async fn schema(database: &Database, service: Service) -> Result<SchemaState> {
    let state = database.schema_state(migrations(service)).await;
    state.with_context(|| format!("the schema of {} cannot be read", service.name()))
}

async fn migrate(database: &Database, service: Service) -> Result<Applied> {
    match database.migrate(migrations(service)).await {
        Ok(applied) => Ok(applied),
        Err(MigrateError::Newer(step)) => Err(newer(service.name(), &step)),
        Err(error) => Err(error).with_context(|| format!("the schema of {} was left as it was", service.name())),
    }
}

fn newer(service: &str, step: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the schema of {service} was made by a newer version (it has the step {step}): start that version, or restore \
         the backup that was made before it"
    )
}

fn migrations(service: Service) -> Vec<Box<dyn MigrationTrait>> {
    match service {
        Service::Identity => Identity::migrations(),
        Service::Organization => {
            let steps = Organization::migrations().into_iter().chain(Governance::migrations());
            steps.chain(Access::migrations()).collect()
        }
        Service::Notification => Notification::migrations(),
    }
}

fn constraints(service: Service) -> &'static [UniqueConstraint] {
    // One database, the tables of three crates (docs/adr/0012, 0014).
    static ORGANIZATION: LazyLock<Vec<UniqueConstraint>> =
        LazyLock::new(|| [Organization::constraints(), Governance::constraints(), Access::constraints()].concat());
    match service {
        Service::Identity => Identity::constraints(),
        Service::Organization => &ORGANIZATION,
        Service::Notification => Notification::constraints(),
    }
}
