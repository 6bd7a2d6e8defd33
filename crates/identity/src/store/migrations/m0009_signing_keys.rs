//! Keys that sign access tokens; the private half is sealed.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE signing_keys (
        key_id {uuid} NOT NULL CONSTRAINT signing_keys_pkey PRIMARY KEY,
        public_key {bytes} NOT NULL,
        sealed_private_key {bytes} NOT NULL,
        active_from bigint NOT NULL,
        retired_at bigint
    )"];
