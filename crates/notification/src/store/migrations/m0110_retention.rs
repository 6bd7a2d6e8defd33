//! Retention counts from when something was to be sent, not from when it was accepted.

pub(super) const STATEMENTS: &[&str] = &[
    "DROP INDEX notifications_created_idx",
    "CREATE INDEX notifications_due_idx ON notifications (COALESCE(scheduled, created))",
    "DROP INDEX deliveries_finished_idx",
    "CREATE INDEX deliveries_finished_idx ON deliveries (queued) WHERE state <> 0",
];
