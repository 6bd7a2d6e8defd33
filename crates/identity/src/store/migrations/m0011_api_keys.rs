//! Keys of service accounts, as their SHA-256.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE api_keys (
        api_key_id {uuid} NOT NULL CONSTRAINT api_keys_pkey PRIMARY KEY,
        service_account_id {uuid} NOT NULL CONSTRAINT api_keys_service_account_fkey
            REFERENCES service_accounts (service_account_id) ON DELETE CASCADE,
        key_hash {bytes} NOT NULL CONSTRAINT api_keys_key_hash_key UNIQUE,
        expires bigint NOT NULL,
        created bigint NOT NULL,
        last_used bigint
    )",
    "CREATE INDEX api_keys_service_account_idx ON api_keys (service_account_id, api_key_id)",
    "CREATE INDEX api_keys_expires_idx ON api_keys (expires)",
];
