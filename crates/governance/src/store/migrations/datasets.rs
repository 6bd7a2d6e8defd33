//! Datasets.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE datasets (
        dataset_id {uuid} NOT NULL CONSTRAINT datasets_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL CONSTRAINT datasets_organization_fkey
            REFERENCES organizations (organization_id) ON DELETE CASCADE,
        name text NOT NULL,
        name_key text NOT NULL,
        description text NOT NULL,
        registrant_id {uuid} NOT NULL,
        storage_uri text NOT NULL,
        format text NOT NULL,
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        CONSTRAINT datasets_name_key UNIQUE (organization_id, name_key)
    )",
    // How a name begins is sought in the order of bytes.
    "{postgres}ALTER TABLE datasets ALTER COLUMN name_key TYPE text COLLATE \"C\"",
    "CREATE INDEX datasets_organization_idx ON datasets (organization_id, created, dataset_id)",
    "CREATE INDEX datasets_registrant_idx ON datasets (registrant_id, created, dataset_id)",
    "CREATE INDEX datasets_created_idx ON datasets (created, dataset_id)",
    "CREATE INDEX datasets_name_idx ON datasets (name_key)",
];
