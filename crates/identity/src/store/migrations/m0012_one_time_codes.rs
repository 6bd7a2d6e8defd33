//! One-time codes, as their SHA-256; of each person and purpose one is open at most.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE one_time_codes (
        code_hash {bytes} NOT NULL CONSTRAINT one_time_codes_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT one_time_codes_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        purpose text NOT NULL CONSTRAINT one_time_codes_purpose_check
            CHECK (purpose IN ('RESET', 'EMAIL_CHANGE', 'VERIFICATION')),
        state text NOT NULL CONSTRAINT one_time_codes_state_check
            CHECK (state IN ('OPEN', 'USED', 'REPLACED', 'VOID')),
        email text,
        roles {bytes} NOT NULL,
        created bigint NOT NULL,
        expires bigint NOT NULL
    )",
    "CREATE UNIQUE INDEX one_time_codes_open_key ON one_time_codes (user_id, purpose) WHERE state = 'OPEN'",
    "CREATE INDEX one_time_codes_user_idx ON one_time_codes (user_id)",
    "CREATE INDEX one_time_codes_expires_idx ON one_time_codes (expires)",
];
