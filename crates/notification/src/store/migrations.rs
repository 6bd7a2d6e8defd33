//! The steps of this context's schema.

mod m0001_deliveries;
mod m0100_preferences;
mod m0101_notifications;
mod m0102_inbox;
mod m0110_retention;
mod m0111_urgency;
mod m0112_ended_subjects;
mod m0113_writings;
mod m0114_templates;
mod m0115_sent_templates;
mod m0116_inbox_order;
mod m0117_suppressions;

use rolecall_db::{UniqueConstraint, constraints};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// The unique constraints of this context.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = constraints! {
    "deliveries_pkey" => "deliveries", ["delivery_id"];
    "deliveries_event_key" => "deliveries", ["event_id", "template", "recipient_id", "email"];
    "delivery_attempts_pkey" => "delivery_attempts", ["delivery_id", "number"];
    "preferences_pkey" => "preferences", ["subject_id"];
    "notifications_pkey" => "notifications", ["notification_id"];
    "inbox_messages_pkey" => "inbox_messages", ["message_id"];
    "inbox_order_pkey" => "inbox_order", ["number"];
    "suppressions_pkey" => "suppressions", ["email_key"];
    "ended_subjects_pkey" => "ended_subjects", ["subject_id"];
    "writings_pkey" => "writings", ["writing_id"];
    "templates_pkey" => "templates", ["template_id"];
    "templates_name_key" => "templates", ["organization_id", "name"];
    "template_versions_pkey" => "template_versions", ["template_id", "version"];
};

/// A step of the schema: its name, and its statements, in which the types of each database are filled in.
struct Step(&'static str, &'static [&'static str]);

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let words = if manager.get_database_backend() == DbBackend::Postgres {
            ["uuid", "bytea", "COLLATE \"C\"", "extract(epoch FROM now())"]
        } else {
            ["blob", "blob", "", "strftime('%s', 'now')"]
        };
        for statement in self.1 {
            let spelled = ["{uuid}", "{bytes}", "{collate}", "{now}"].into_iter().zip(words);
            let statement = spelled.fold((*statement).to_owned(), |text, (mark, word)| text.replace(mark, word));
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

/// Returns the steps, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    let steps = [
        Step("notification_0001_deliveries", m0001_deliveries::STATEMENTS),
        Step("notification_0100_preferences", m0100_preferences::STATEMENTS),
        Step("notification_0101_notifications", m0101_notifications::STATEMENTS),
        Step("notification_0102_inbox", m0102_inbox::STATEMENTS),
        Step("notification_0110_retention", m0110_retention::STATEMENTS),
        Step("notification_0111_urgency", m0111_urgency::STATEMENTS),
        Step("notification_0112_ended_subjects", m0112_ended_subjects::STATEMENTS),
        Step("notification_0113_writings", m0113_writings::STATEMENTS),
        Step("notification_0114_templates", m0114_templates::STATEMENTS),
        Step("notification_0115_sent_templates", m0115_sent_templates::STATEMENTS),
        Step("notification_0116_inbox_order", m0116_inbox_order::STATEMENTS),
        Step("notification_0117_suppressions", m0117_suppressions::STATEMENTS),
    ];
    steps.into_iter().map(|step| Box::new(step) as Box<dyn MigrationTrait>).collect()
}
