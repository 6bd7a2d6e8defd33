//! Password hashes, apart from the accounts that everybody reads.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE credentials (
        user_id {uuid} NOT NULL CONSTRAINT credentials_pkey PRIMARY KEY
            CONSTRAINT credentials_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        password_hash text NOT NULL,
        change_required boolean NOT NULL,
        changed bigint NOT NULL
    )"];
