//! The steps of this context's schema.

mod m0001_deliveries;

use rolecall_db::{UniqueConstraint, constraints};
use sea_orm_migration::MigrationTrait;

/// The unique constraints of this context.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = constraints! {
    "deliveries_pkey" => "deliveries", ["delivery_id"];
    "deliveries_event_key" => "deliveries", ["event_id", "template", "recipient_id", "email"];
    "delivery_attempts_pkey" => "delivery_attempts", ["delivery_id", "number"];
};

/// Returns the steps, oldest first.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(m0001_deliveries::Step)]
}
