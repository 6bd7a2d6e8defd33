//! Deleted organizations: hidden, without a name, until they are purged.

pub(super) const UP: &[&str] = &[
    "ALTER TABLE organizations ADD COLUMN deleted bigint",
    "CREATE INDEX organizations_deleted_idx ON organizations (deleted) WHERE deleted IS NOT NULL",
    "CREATE INDEX service_accounts_organization_idx ON service_accounts (organization_id)",
];
