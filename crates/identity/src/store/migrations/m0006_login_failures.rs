//! Failed logins in a row; the subject is a keyed hash, so that strangers' addresses are not kept.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE login_failures (
        subject {bytes} NOT NULL CONSTRAINT login_failures_pkey PRIMARY KEY,
        failures bigint NOT NULL,
        next_allowed bigint NOT NULL,
        updated bigint NOT NULL
    )",
    "CREATE INDEX login_failures_updated_idx ON login_failures (updated)",
];
