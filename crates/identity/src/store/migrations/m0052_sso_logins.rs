//! Logins whose persons are at their providers, found by the SHA-256 of their token.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE sso_logins (
        token_hash {bytes} NOT NULL CONSTRAINT sso_logins_pkey PRIMARY KEY,
        state_hash {bytes} NOT NULL CONSTRAINT sso_logins_state_hash_key UNIQUE,
        identity_provider_id {uuid} NOT NULL CONSTRAINT sso_logins_provider_fkey
            REFERENCES identity_providers (identity_provider_id) ON DELETE CASCADE,
        provider_version bigint NOT NULL,
        user_id {uuid} CONSTRAINT sso_logins_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        sealed {bytes} NOT NULL,
        audience text,
        began bigint NOT NULL,
        expires bigint NOT NULL
    )",
    "CREATE INDEX sso_logins_provider_idx ON sso_logins (identity_provider_id)",
    "CREATE INDEX sso_logins_user_idx ON sso_logins (user_id)",
    "CREATE INDEX sso_logins_expires_idx ON sso_logins (expires)",
];
