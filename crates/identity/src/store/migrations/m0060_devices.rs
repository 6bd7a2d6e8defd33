//! Devices that logged in before, as the SHA-256 of their token.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE devices (
        token_hash {bytes} NOT NULL CONSTRAINT devices_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT devices_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        created bigint NOT NULL,
        last_used bigint NOT NULL,
        expires bigint NOT NULL
    )",
    "CREATE INDEX devices_user_idx ON devices (user_id, last_used)",
    "CREATE INDEX devices_expires_idx ON devices (expires)",
    "ALTER TABLE challenges ADD COLUMN device {bytes}",
    // The counters of failures that a whole login empties, 32 bytes each.
    "ALTER TABLE challenges ADD COLUMN counted {bytes}",
];
