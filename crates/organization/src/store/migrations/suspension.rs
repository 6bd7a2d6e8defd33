//! Organizations whose members cannot act. The partial index answers which administrators count.

pub(super) const UP: &[&str] = &[
    "ALTER TABLE organizations ADD COLUMN suspended_since bigint",
    "ALTER TABLE organizations ADD COLUMN suspended_by {uuid}",
    "ALTER TABLE organizations ADD COLUMN suspend_reason text",
    "CREATE INDEX organizations_suspended_idx ON organizations (organization_id) WHERE suspended_since IS NOT NULL",
];
