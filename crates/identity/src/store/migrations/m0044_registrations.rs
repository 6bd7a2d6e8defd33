//! Registrations, one an address at most; what strangers say of themselves is kept for a day.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE registrations (
        registration_id {uuid} NOT NULL CONSTRAINT registrations_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL,
        email text NOT NULL,
        email_key {key} NOT NULL CONSTRAINT registrations_email_key UNIQUE,
        name text NOT NULL,
        given_name text NOT NULL,
        family_name text NOT NULL,
        institution text NOT NULL,
        website text NOT NULL,
        password_hash text NOT NULL,
        code_hash {bytes} NOT NULL CONSTRAINT registrations_code_hash_key UNIQUE,
        claimed_user_id {uuid} CONSTRAINT registrations_claimed_user_key UNIQUE,
        created bigint NOT NULL,
        expires bigint NOT NULL
    )",
    "CREATE INDEX registrations_expires_idx ON registrations (expires)",
];
