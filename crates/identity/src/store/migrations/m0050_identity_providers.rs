//! Identity providers of organizations, their client secrets sealed with a key outside the database.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE identity_providers (
        identity_provider_id {uuid} NOT NULL CONSTRAINT identity_providers_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL,
        name text NOT NULL,
        issuer text NOT NULL,
        client_id text NOT NULL,
        sealed_secret {bytes} NOT NULL,
        scopes text NOT NULL,
        role_source text NOT NULL,
        role_claim text NOT NULL,
        role_mapping text NOT NULL,
        required_acr text NOT NULL,
        required_amr text NOT NULL,
        just_in_time boolean NOT NULL,
        linking boolean NOT NULL,
        enabled boolean NOT NULL,
        configured_by {uuid} NOT NULL,
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL
    )",
    "CREATE INDEX identity_providers_organization_idx ON identity_providers (organization_id, identity_provider_id)",
];
