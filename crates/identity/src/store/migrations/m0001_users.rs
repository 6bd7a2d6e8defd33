//! Accounts of persons; a key is a text as it is compared, ordered and searched by its beginning.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE users (
        user_id {uuid} NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL,
        email text NOT NULL,
        email_key {key} NOT NULL CONSTRAINT users_email_key UNIQUE,
        email_verified boolean NOT NULL,
        name text NOT NULL,
        name_key {key} NOT NULL,
        given_name text NOT NULL,
        given_name_key {key} NOT NULL,
        family_name text NOT NULL,
        family_name_key {key} NOT NULL,
        institution text NOT NULL,
        institution_key {key} NOT NULL,
        website text NOT NULL,
        state text NOT NULL CONSTRAINT users_state_check CHECK (state IN ('INVITED', 'ACTIVE')),
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        last_login bigint,
        deleted bigint
    )",
    // The orders of a list, in one organization and in all.
    "CREATE INDEX users_organization_created_idx ON users (organization_id, created, user_id)",
    "CREATE INDEX users_organization_name_idx ON users (organization_id, name_key, user_id)",
    "CREATE INDEX users_organization_email_idx ON users (organization_id, email_key, user_id)",
    "CREATE INDEX users_created_idx ON users (created, user_id)",
    "CREATE INDEX users_name_idx ON users (name_key, user_id)",
    // What a list is filtered by.
    "CREATE INDEX users_given_name_idx ON users (given_name_key)",
    "CREATE INDEX users_family_name_idx ON users (family_name_key)",
    "CREATE INDEX users_institution_idx ON users (institution_key)",
    "CREATE INDEX users_state_idx ON users (organization_id, state)",
    "CREATE INDEX users_last_login_idx ON users (last_login)",
    // What waits to be purged.
    "CREATE INDEX users_deleted_idx ON users (deleted) WHERE deleted IS NOT NULL",
];
