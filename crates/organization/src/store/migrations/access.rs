//! Changes of access, and the one row that orders them.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE access_head (
        id smallint NOT NULL CONSTRAINT access_head_pkey PRIMARY KEY CONSTRAINT access_head_id_check CHECK (id = 1),
        revision bigint NOT NULL,
        trimmed bigint NOT NULL
    )",
    "INSERT INTO access_head (id, revision, trimmed) VALUES (1, 0, 0)",
    "CREATE TABLE access_changes (
        revision bigint NOT NULL CONSTRAINT access_changes_pkey PRIMARY KEY,
        subject_id {uuid} NOT NULL,
        organization_id {uuid},
        what text NOT NULL,
        actor_id {uuid},
        request_id text,
        occurred bigint NOT NULL
    )",
];
