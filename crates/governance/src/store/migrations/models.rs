//! Models and their versions.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE models (
        model_id {uuid} NOT NULL CONSTRAINT models_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL CONSTRAINT models_organization_fkey
            REFERENCES organizations (organization_id) ON DELETE CASCADE,
        name text NOT NULL,
        name_key text NOT NULL,
        description text NOT NULL,
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        CONSTRAINT models_name_key UNIQUE (organization_id, name_key)
    )",
    "CREATE INDEX models_organization_idx ON models (organization_id, created, model_id)",
    "CREATE INDEX models_created_idx ON models (created, model_id)",
    "CREATE TABLE model_versions (
        model_id {uuid} NOT NULL CONSTRAINT model_versions_model_fkey REFERENCES models (model_id) ON DELETE CASCADE,
        name text NOT NULL,
        parameter_schema text NOT NULL,
        artifact_uri text NOT NULL,
        artifact_digest text NOT NULL,
        created bigint NOT NULL,
        published bigint,
        CONSTRAINT model_versions_pkey PRIMARY KEY (model_id, name)
    )",
];
