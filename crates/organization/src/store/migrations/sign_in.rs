//! How the members of an organization log in.

pub(super) const UP: &[&str] = &[
    "ALTER TABLE organizations ADD COLUMN login_policy text NOT NULL DEFAULT 'MANAGED'
        CONSTRAINT organizations_login_policy_check CHECK (login_policy IN ('MANAGED', 'SSO'))",
    "ALTER TABLE organizations ADD COLUMN break_glass_user_id {uuid}",
];
