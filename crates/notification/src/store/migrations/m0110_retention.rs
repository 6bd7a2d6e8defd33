//! Retention counts from when something was to be sent, not from when it was accepted.

use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0110_retention"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: &[&str] = &[
    "DROP INDEX notifications_created_idx",
    "CREATE INDEX notifications_due_idx ON notifications (COALESCE(scheduled, created))",
    "DROP INDEX deliveries_finished_idx",
    "CREATE INDEX deliveries_finished_idx ON deliveries (queued) WHERE state <> 0",
];
