//! The steps of the schema, oldest first.

mod access;
mod audit;
mod creations;
mod guests;
mod impersonation;
mod members;
mod organizations;
mod removals;
mod service_accounts;
mod settings;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// Returns all steps.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    [
        ("organization_0001_organizations", organizations::UP),
        ("organization_0002_members", members::UP),
        ("organization_0003_service_accounts", service_accounts::UP),
        ("organization_0004_access", access::UP),
        ("organization_0005_audit", audit::UP),
        ("organization_0006_creations", creations::UP),
        ("organization_0007_removals", removals::UP),
        ("organization_0020_settings", settings::UP),
        ("organization_0040_guests", guests::UP),
        ("organization_0041_impersonation", impersonation::UP),
    ]
    .into_iter()
    .map(|(name, statements)| Box::new(Step { name, statements }) as Box<dyn MigrationTrait>)
    .collect()
}

/// Statements in the common tongue of both databases, but for the types in braces.
struct Step {
    name: &'static str,
    statements: &'static [&'static str],
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        let (uuid, bytes) = if is_postgres { ("uuid", "bytea") } else { ("blob", "blob") };
        for statement in self.statements {
            let statement = statement.replace("{uuid}", uuid).replace("{bytes}", bytes);
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
