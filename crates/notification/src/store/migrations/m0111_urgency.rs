//! Mandatory mail is claimed before any other.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE deliveries ADD COLUMN urgency smallint NOT NULL DEFAULT 0",
    "UPDATE deliveries SET urgency = 1 WHERE category NOT IN ('security', 'account')",
    "DROP INDEX deliveries_due_idx",
    "CREATE INDEX deliveries_due_idx ON deliveries (urgency, next_attempt, delivery_id) WHERE state = 0",
];
