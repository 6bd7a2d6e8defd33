//! The installation: one row.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE instance (
        id smallint NOT NULL CONSTRAINT instance_pkey PRIMARY KEY CONSTRAINT instance_one_check CHECK (id = 1),
        stage text NOT NULL CONSTRAINT instance_stage_check CHECK (stage IN ('FRESH', 'CLAIMED', 'DONE')),
        setup_secret_hash {bytes},
        fingerprint {bytes},
        user_id {uuid},
        organization_id {uuid},
        created bigint NOT NULL
    )"];
