//! Recovery codes, as their SHA-256.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE recovery_codes (
        code_hash {bytes} NOT NULL CONSTRAINT recovery_codes_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT recovery_codes_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        created bigint NOT NULL,
        used bigint,
        disabled bigint
    )",
    "CREATE INDEX recovery_codes_user_idx ON recovery_codes (user_id)",
];
