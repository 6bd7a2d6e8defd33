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

use rolecall_db::{UniqueConstraint, constraints};
use sea_orm_migration::MigrationTrait;

/// The unique constraints of this context.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = constraints! {
    "deliveries_pkey" => "deliveries", ["delivery_id"];
    "deliveries_event_key" => "deliveries", ["event_id", "template", "recipient_id", "email"];
    "delivery_attempts_pkey" => "delivery_attempts", ["delivery_id", "number"];
    "preferences_pkey" => "preferences", ["subject_id"];
    "notifications_pkey" => "notifications", ["notification_id"];
    "inbox_messages_pkey" => "inbox_messages", ["message_id"];
    "inbox_order_pkey" => "inbox_order", ["number"];
    "ended_subjects_pkey" => "ended_subjects", ["subject_id"];
    "writings_pkey" => "writings", ["writing_id"];
    "templates_pkey" => "templates", ["template_id"];
    "templates_name_key" => "templates", ["organization_id", "name"];
    "template_versions_pkey" => "template_versions", ["template_id", "version"];
};

/// Returns the steps, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(m0001_deliveries::Step),
        Box::new(m0100_preferences::Step),
        Box::new(m0101_notifications::Step),
        Box::new(m0102_inbox::Step),
        Box::new(m0110_retention::Step),
        Box::new(m0111_urgency::Step),
        Box::new(m0112_ended_subjects::Step),
        Box::new(m0113_writings::Step),
        Box::new(m0114_templates::Step),
        Box::new(m0115_sent_templates::Step),
        Box::new(m0116_inbox_order::Step),
    ]
}
