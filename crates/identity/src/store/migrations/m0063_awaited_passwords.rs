//! Accounts without a password, because their organizations have none.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE awaited_passwords (
        user_id {uuid} NOT NULL CONSTRAINT awaited_passwords_pkey PRIMARY KEY
            CONSTRAINT awaited_passwords_user_fkey REFERENCES users (user_id),
        since bigint NOT NULL
    )"];
