//! The schema's steps, oldest first; one table or change a file, forward only.

mod m0001_users;
mod m0002_credentials;
mod m0003_invitations;
mod m0004_sessions;
mod m0005_refresh_tokens;
mod m0006_login_failures;
mod m0007_sagas;
mod m0008_instance;
mod m0009_signing_keys;
mod m0010_service_accounts;
mod m0011_api_keys;
mod m0012_one_time_codes;
mod m0013_mail_budgets;
mod m0014_user_words;
mod m0020_access_tokens;
mod m0031_factors;
mod m0032_recovery_codes;
mod m0033_challenges;
mod m0040_instance_settings;
mod m0044_registrations;
mod m0046_impersonation;
mod m0047_guests;
mod m0050_identity_providers;
mod m0051_domains;
mod m0052_sso_logins;
mod m0053_linked_identities;
mod m0060_devices;
mod m0061_login_codes;
mod m0062_audiences;
mod m0063_awaited_passwords;
mod m0070_organization_endings;
mod m0071_assertions;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// Returns all steps.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    let steps: &[(&'static str, &'static [&'static str])] = &[
        ("identity_0001_users", m0001_users::STATEMENTS),
        ("identity_0002_credentials", m0002_credentials::STATEMENTS),
        ("identity_0003_invitations", m0003_invitations::STATEMENTS),
        ("identity_0004_sessions", m0004_sessions::STATEMENTS),
        ("identity_0005_refresh_tokens", m0005_refresh_tokens::STATEMENTS),
        ("identity_0006_login_failures", m0006_login_failures::STATEMENTS),
        ("identity_0007_sagas", m0007_sagas::STATEMENTS),
        ("identity_0008_instance", m0008_instance::STATEMENTS),
        ("identity_0009_signing_keys", m0009_signing_keys::STATEMENTS),
        ("identity_0010_service_accounts", m0010_service_accounts::STATEMENTS),
        ("identity_0011_api_keys", m0011_api_keys::STATEMENTS),
        ("identity_0012_one_time_codes", m0012_one_time_codes::STATEMENTS),
        ("identity_0013_mail_budgets", m0013_mail_budgets::STATEMENTS),
        ("identity_0014_user_words", m0014_user_words::STATEMENTS),
        ("identity_0020_access_tokens", m0020_access_tokens::STATEMENTS),
        ("identity_0031_factors", m0031_factors::STATEMENTS),
        ("identity_0032_recovery_codes", m0032_recovery_codes::STATEMENTS),
        ("identity_0033_challenges", m0033_challenges::STATEMENTS),
        ("identity_0040_instance_settings", m0040_instance_settings::STATEMENTS),
        ("identity_0044_registrations", m0044_registrations::STATEMENTS),
        ("identity_0046_impersonation", m0046_impersonation::STATEMENTS),
        ("identity_0047_guests", m0047_guests::STATEMENTS),
        ("identity_0050_identity_providers", m0050_identity_providers::STATEMENTS),
        ("identity_0051_domains", m0051_domains::STATEMENTS),
        ("identity_0052_sso_logins", m0052_sso_logins::STATEMENTS),
        ("identity_0053_linked_identities", m0053_linked_identities::STATEMENTS),
        ("identity_0060_devices", m0060_devices::STATEMENTS),
        ("identity_0061_login_codes", m0061_login_codes::STATEMENTS),
        ("identity_0062_audiences", m0062_audiences::STATEMENTS),
        ("identity_0063_awaited_passwords", m0063_awaited_passwords::STATEMENTS),
        ("identity_0070_organization_endings_suspension", m0070_organization_endings::STATEMENTS),
        ("identity_0071_assertions", m0071_assertions::STATEMENTS),
    ];
    let boxed = |&(name, statements): &_| Box::new(Step { name, statements }) as Box<dyn MigrationTrait>;
    steps.iter().map(boxed).collect()
}

/// Statements in the common tongue of both databases, but for `{uuid}`, `{bytes}` and `{key}`.
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
        // Ordered by its bytes, as SQLite orders every text.
        let key = if is_postgres { "text COLLATE \"C\"" } else { "text" };
        for statement in self.statements {
            let statement = statement.replace("{uuid}", uuid).replace("{bytes}", bytes).replace("{key}", key);
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}
