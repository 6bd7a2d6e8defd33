//! In which order messages came to lie in inboxes; those that lie there already are told to nobody who watches.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &'static str {
        "notification_0116_inbox_order"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_postgres = manager.get_database_backend() == DbBackend::Postgres;
        let now = if is_postgres { "extract(epoch FROM now())" } else { "strftime('%s', 'now')" };
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(&statement.replace("{now}", now)).await?;
        }
        Ok(())
    }
}

const STATEMENTS: &[&str] = &[
    "ALTER TABLE inbox_messages ADD COLUMN seq bigint",
    "UPDATE inbox_messages SET seq = 0 WHERE visible <= CAST({now} AS bigint) * 1000000",
    "CREATE INDEX inbox_messages_waiting_idx ON inbox_messages (visible, message_id) WHERE seq IS NULL",
    "CREATE INDEX inbox_messages_order_idx ON inbox_messages (recipient_id, seq)",
    "CREATE TABLE inbox_order (
        number smallint NOT NULL CONSTRAINT inbox_order_pkey PRIMARY KEY,
        head bigint NOT NULL
    )",
    "INSERT INTO inbox_order (number, head) VALUES (1, 0)",
];
