//! Accounts of persons.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE users (
        user_id {uuid} NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL,
        email text NOT NULL,
        email_key text NOT NULL CONSTRAINT users_email_key UNIQUE,
        email_verified boolean NOT NULL,
        name text NOT NULL,
        given_name text NOT NULL,
        family_name text NOT NULL,
        institution text NOT NULL,
        website text NOT NULL,
        state text NOT NULL CONSTRAINT users_state_check CHECK (state IN ('INVITED', 'ACTIVE')),
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        last_login bigint
    )",
    "CREATE INDEX users_organization_idx ON users (organization_id, user_id)",
];
