//! Organizations.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE organizations (
        organization_id {uuid} NOT NULL CONSTRAINT organizations_pkey PRIMARY KEY,
        name text NOT NULL,
        name_key text NOT NULL CONSTRAINT organizations_name_key UNIQUE,
        state text NOT NULL CONSTRAINT organizations_state_check CHECK (state IN ('HIDDEN', 'ACTIVE')),
        home boolean NOT NULL,
        mfa_policy text NOT NULL CONSTRAINT organizations_mfa_policy_check
            CHECK (mfa_policy IN ('REQUIRED', 'OPTIONAL')),
        version bigint NOT NULL,
        created bigint NOT NULL
    )",
    "CREATE UNIQUE INDEX organizations_home_key ON organizations (home) WHERE home",
    "CREATE INDEX organizations_created_idx ON organizations (created, organization_id)",
];
