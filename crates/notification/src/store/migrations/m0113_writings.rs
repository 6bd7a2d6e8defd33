//! How often somebody wrote to somebody lately.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0113_writings"
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

const STATEMENTS: &[&str] = &[
    "CREATE TABLE writings (
        writing_id {uuid} NOT NULL CONSTRAINT writings_pkey PRIMARY KEY,
        sender_id {uuid} NOT NULL,
        recipient_id {uuid} NOT NULL,
        written bigint NOT NULL
    )",
    "CREATE INDEX writings_pair_idx ON writings (sender_id, recipient_id, written)",
    "CREATE INDEX writings_written_idx ON writings (written)",
];
