//! Mandatory mail is claimed before any other.

use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0111_urgency"
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
    "ALTER TABLE deliveries ADD COLUMN urgency smallint NOT NULL DEFAULT 0",
    "UPDATE deliveries SET urgency = 1 WHERE category NOT IN ('security', 'account')",
    "DROP INDEX deliveries_due_idx",
    "CREATE INDEX deliveries_due_idx ON deliveries (urgency, next_attempt, delivery_id) WHERE state = 0",
];
