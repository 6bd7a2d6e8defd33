//! Deleted organizations whose accounts are being ended.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE organization_endings (
        organization_id {uuid} NOT NULL CONSTRAINT organization_endings_pkey PRIMARY KEY,
        actor_id {uuid} NOT NULL,
        watched_until bigint NOT NULL
    )"];
