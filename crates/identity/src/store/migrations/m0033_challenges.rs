//! Logins that are under way, found by the SHA-256 of their token.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE challenges (
        token_hash {bytes} NOT NULL CONSTRAINT challenges_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT challenges_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        credential {bytes} NOT NULL,
        methods text NOT NULL,
        change_due boolean NOT NULL,
        factor_id {uuid},
        expires bigint NOT NULL
    )",
    "CREATE INDEX challenges_user_idx ON challenges (user_id)",
    "CREATE INDEX challenges_expires_idx ON challenges (expires)",
];
