//! Keys whose private half a program keeps, and which of its assertions were used.
//!
//! The `key_hash` of such a key is a hash of its id, which nothing that is shown hashes to.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE api_keys ADD COLUMN public_key {bytes}",
    "CREATE TABLE used_assertions (
        api_key_id {uuid} NOT NULL,
        jti_hash {bytes} NOT NULL,
        forgotten bigint NOT NULL,
        CONSTRAINT used_assertions_pkey PRIMARY KEY (api_key_id, jti_hash)
    )",
    "CREATE INDEX used_assertions_forgotten_idx ON used_assertions (forgotten)",
];
