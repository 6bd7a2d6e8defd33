//! Personal access tokens, as their SHA-256.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE access_tokens (
        access_token_id {uuid} NOT NULL CONSTRAINT access_tokens_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT access_tokens_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        name text NOT NULL,
        permissions text NOT NULL,
        token_hash {bytes} NOT NULL CONSTRAINT access_tokens_token_hash_key UNIQUE,
        expires bigint NOT NULL,
        created bigint NOT NULL,
        last_used bigint
    )",
    "CREATE INDEX access_tokens_user_idx ON access_tokens (user_id, access_token_id)",
    "CREATE INDEX access_tokens_expires_idx ON access_tokens (expires)",
];
