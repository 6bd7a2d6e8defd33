//! What people want to be told; who never said has no row.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0100_preferences"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        let uuid = if is_postgres { "uuid" } else { "blob" };
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(&statement.replace("{uuid}", uuid)).await?;
        }
        Ok(())
    }
}

const STATEMENTS: &[&str] = &["CREATE TABLE preferences (
        subject_id {uuid} NOT NULL CONSTRAINT preferences_pkey PRIMARY KEY,
        enabled boolean NOT NULL,
        muted text NOT NULL,
        locale text,
        digest smallint NOT NULL CONSTRAINT preferences_digest_check CHECK (digest IN (0, 1, 2)),
        time_zone text NOT NULL,
        quiet_start smallint,
        quiet_end smallint,
        version bigint NOT NULL,
        updated bigint NOT NULL,
        CONSTRAINT preferences_quiet_check CHECK ((quiet_start IS NULL) = (quiet_end IS NULL))
    )"];
