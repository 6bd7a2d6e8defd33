//! How an organization wants to be run; what is NULL is as the instance has it.

pub(super) const UP: &[&str] = &[
    "ALTER TABLE organizations ADD COLUMN registration_mode text NOT NULL DEFAULT 'MANUAL'
        CONSTRAINT organizations_registration_mode_check CHECK (registration_mode IN ('MANUAL', 'SELF_SERVICE'))",
    "ALTER TABLE organizations ADD COLUMN allowed_email_domains text NOT NULL DEFAULT ''",
    "ALTER TABLE organizations ADD COLUMN password_min_characters smallint",
    "ALTER TABLE organizations ADD COLUMN password_three_classes boolean NOT NULL DEFAULT false",
    "ALTER TABLE organizations ADD COLUMN invitation_lifetime bigint",
    "ALTER TABLE organizations ADD COLUMN session_idle bigint",
    "ALTER TABLE organizations ADD COLUMN session_absolute bigint",
    "ALTER TABLE organizations ADD COLUMN guest_sessions boolean NOT NULL DEFAULT false",
    "ALTER TABLE organizations ADD COLUMN owner_impersonation boolean NOT NULL DEFAULT false",
    "ALTER TABLE organizations ADD COLUMN settings_version bigint NOT NULL DEFAULT 1",
    "ALTER TABLE organizations ADD COLUMN settings_updated bigint",
    "CREATE INDEX organizations_discoverable_idx ON organizations (created, organization_id)
        WHERE registration_mode = 'SELF_SERVICE'",
];
