//! For whom the access tokens of a session are; none for Rolecall itself.

pub(super) const STATEMENTS: &[&str] =
    &["ALTER TABLE sessions ADD COLUMN audience text", "ALTER TABLE challenges ADD COLUMN audience text"];
