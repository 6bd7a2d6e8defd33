//! Second factors, their secrets sealed with a key outside the database.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE factors (
        factor_id {uuid} NOT NULL CONSTRAINT factors_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT factors_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        name text NOT NULL,
        sealed_secret {bytes} NOT NULL,
        confirmed bigint,
        expires bigint NOT NULL,
        last_step bigint NOT NULL,
        last_used bigint,
        disabled bigint
    )",
    "CREATE INDEX factors_user_idx ON factors (user_id, factor_id)",
    "CREATE INDEX factors_unconfirmed_idx ON factors (expires) WHERE confirmed IS NULL",
];
