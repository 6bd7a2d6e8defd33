//! What identity providers know people by, and the sessions that began there.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE linked_identities (
        linked_identity_id {uuid} NOT NULL CONSTRAINT linked_identities_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT linked_identities_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        identity_provider_id {uuid} NOT NULL CONSTRAINT linked_identities_provider_fkey
            REFERENCES identity_providers (identity_provider_id) ON DELETE CASCADE,
        issuer text NOT NULL,
        subject text NOT NULL,
        created bigint NOT NULL,
        CONSTRAINT linked_identities_subject_key UNIQUE (issuer, subject)
    )",
    "CREATE INDEX linked_identities_user_idx ON linked_identities (user_id, linked_identity_id)",
    "CREATE INDEX linked_identities_provider_idx ON linked_identities (identity_provider_id)",
    "CREATE TABLE sso_sessions (
        session_id {uuid} NOT NULL CONSTRAINT sso_sessions_pkey PRIMARY KEY
            CONSTRAINT sso_sessions_session_fkey REFERENCES sessions (session_id) ON DELETE CASCADE,
        identity_provider_id {uuid} NOT NULL,
        user_id {uuid} NOT NULL
    )",
    "CREATE INDEX sso_sessions_provider_idx ON sso_sessions (identity_provider_id, user_id)",
];
