//! Codes by which a device logs in that nobody knows, as their SHA-256; the address is a keyed hash.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE login_codes (
        user_id {uuid} NOT NULL CONSTRAINT login_codes_pkey PRIMARY KEY
            CONSTRAINT login_codes_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        code_hash {bytes} NOT NULL CONSTRAINT login_codes_code_hash_key UNIQUE,
        address {bytes} NOT NULL,
        expires bigint NOT NULL
    )",
    "CREATE INDEX login_codes_expires_idx ON login_codes (expires)",
];
