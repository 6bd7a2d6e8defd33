//! Which template a notification is sent with; what was deleted is kept while something may still be sent with it.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0115_sent_templates"
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
    "ALTER TABLE notifications ADD COLUMN template_id {uuid}",
    "ALTER TABLE notifications ADD COLUMN template_name text NOT NULL DEFAULT ''",
    "ALTER TABLE notifications ADD COLUMN template_version integer NOT NULL DEFAULT 0",
    "ALTER TABLE notifications ADD COLUMN data text NOT NULL DEFAULT ''",
    "ALTER TABLE notifications ADD COLUMN members_only boolean NOT NULL DEFAULT false",
    "CREATE INDEX notifications_template_idx ON notifications (template_id) WHERE template_id IS NOT NULL",
    "ALTER TABLE templates ADD COLUMN deleted bigint",
    "CREATE INDEX templates_deleted_idx ON templates (deleted) WHERE deleted IS NOT NULL",
];
