//! What somebody wanted people to be told, and what deliveries say of it.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0101_notifications"
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
    "CREATE TABLE notifications (
        notification_id {uuid} NOT NULL CONSTRAINT notifications_pkey PRIMARY KEY,
        organization_id {uuid},
        sender_id {uuid} NOT NULL,
        category text NOT NULL,
        title text NOT NULL,
        recipient_count integer NOT NULL,
        created bigint NOT NULL,
        scheduled bigint,
        expires bigint,
        cancelled bigint
    )",
    "CREATE INDEX notifications_organization_idx ON notifications (organization_id, notification_id)",
    "CREATE INDEX notifications_created_idx ON notifications (created)",
    "ALTER TABLE deliveries ADD COLUMN category text NOT NULL DEFAULT 'security'",
    "ALTER TABLE deliveries ADD COLUMN suppressed text",
    "ALTER TABLE deliveries ADD COLUMN digest_due bigint",
    "CREATE INDEX deliveries_sent_idx ON deliveries (recipient_id, sent)",
    "CREATE INDEX deliveries_digest_idx ON deliveries (digest_due) WHERE digest_due IS NOT NULL",
];
