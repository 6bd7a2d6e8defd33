//! Login sessions.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE sessions (
        session_id {uuid} NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
        user_id {uuid} NOT NULL CONSTRAINT sessions_user_fkey REFERENCES users (user_id) ON DELETE CASCADE,
        auth_time bigint NOT NULL,
        methods text NOT NULL,
        last_used bigint NOT NULL,
        idle_expires bigint NOT NULL,
        absolute_expires bigint NOT NULL,
        ended bigint,
        end_reason text
    )",
    "CREATE INDEX sessions_alive_idx ON sessions (user_id, auth_time) WHERE ended IS NULL",
    "CREATE INDEX sessions_absolute_expires_idx ON sessions (absolute_expires)",
];
