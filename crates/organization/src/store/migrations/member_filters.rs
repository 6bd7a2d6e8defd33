//! What lists of members are filtered by.

pub(super) const UP: &[&str] = &[
    "CREATE INDEX members_roles_idx ON members (organization_id, roles, created, user_id)",
    "CREATE INDEX members_blocked_idx ON members (organization_id, created, user_id) WHERE block_reason IS NOT NULL",
    "CREATE INDEX members_pending_idx ON members (organization_id, created, user_id) WHERE state = 'PENDING'",
];
