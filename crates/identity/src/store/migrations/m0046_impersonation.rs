//! Who acts as the person of a session, and in which session of its own it began to.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE sessions ADD COLUMN actor_id {uuid}",
    "ALTER TABLE sessions ADD COLUMN actor_session_id {uuid}",
    "ALTER TABLE sessions ADD COLUMN read_only boolean NOT NULL DEFAULT false",
    "CREATE INDEX sessions_actor_session_idx ON sessions (actor_session_id) WHERE actor_session_id IS NOT NULL",
];
