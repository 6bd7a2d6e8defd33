//! The steps of the schema, oldest first.

mod access;
mod audit;
mod audit_chains;
mod creations;
mod deletion;
mod guests;
mod impersonation;
mod member_filters;
mod members;
mod organizations;
mod registered_permissions;
mod removals;
mod roles;
mod service_accounts;
mod settings;
mod sign_in;
mod suspension;

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
        ("organization_0060_suspension", suspension::UP),
        ("organization_0061_deletion_suspension", deletion::UP),
        ("organization_0062_member_filters_roles", member_filters::UP),
        ("organization_0042_sign_in", sign_in::UP),
        ("organization_0070_audit", audit_chains::UP),
        ("organization_0080_roles", roles::UP),
        ("organization_0081_registered_permissions", registered_permissions::UP),
    ]
    .into_iter()
    .map(|(name, statements)| step(name, statements))
    .collect()
}

/// Makes a step of statements in the common tongue of both databases: types in braces are those of each, and a statement
/// that begins with `{sqlite}` or `{postgres}` is for that one alone.
pub fn step(name: &'static str, statements: &'static [&'static str]) -> Box<dyn MigrationTrait> {
    Box::new(Step { name, statements })
}

/// Statements in the common tongue of both databases, but for the types in braces, and for those of one of them alone.
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
        let foreign = if is_postgres { "{sqlite}" } else { "{postgres}" };
        for statement in self.statements.iter().filter(|statement| !statement.starts_with(foreign)) {
            let statement = statement.trim_start_matches("{sqlite}").trim_start_matches("{postgres}");
            let statement = statement.replace("{uuid}", uuid).replace("{bytes}", bytes);
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
