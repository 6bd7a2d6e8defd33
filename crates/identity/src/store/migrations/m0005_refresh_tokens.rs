//! Refresh tokens, as their SHA-256.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE refresh_tokens (
        token_hash {bytes} NOT NULL CONSTRAINT refresh_tokens_pkey PRIMARY KEY,
        session_id {uuid} NOT NULL
            CONSTRAINT refresh_tokens_session_fkey REFERENCES sessions (session_id) ON DELETE CASCADE,
        generation bigint NOT NULL,
        used_at bigint
    )",
    "CREATE INDEX refresh_tokens_session_idx ON refresh_tokens (session_id)",
];
