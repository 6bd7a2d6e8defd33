//! Compute specs, their parts, what they stand on, and their runs.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE compute_specs (
        compute_spec_id {uuid} NOT NULL CONSTRAINT compute_specs_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL CONSTRAINT compute_specs_organization_fkey
            REFERENCES organizations (organization_id) ON DELETE CASCADE,
        creator_id {uuid} NOT NULL,
        name text NOT NULL,
        model_id {uuid} NOT NULL,
        model_version text NOT NULL,
        parameters text NOT NULL,
        state text NOT NULL,
        cause text,
        submitted bigint,
        ended bigint,
        expires bigint,
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL
    )",
    "CREATE INDEX compute_specs_organization_idx ON compute_specs (organization_id, created, compute_spec_id)",
    "CREATE INDEX compute_specs_creator_idx ON compute_specs (creator_id, created, compute_spec_id)",
    "CREATE INDEX compute_specs_created_idx ON compute_specs (created, compute_spec_id)",
    "CREATE INDEX compute_specs_model_idx ON compute_specs (model_id)
        WHERE state IN ('SUBMITTED', 'PARTLY_APPROVED', 'APPROVED')",
    "CREATE INDEX compute_specs_standing_idx ON compute_specs (expires, compute_spec_id)
        WHERE state IN ('SUBMITTED', 'PARTLY_APPROVED', 'APPROVED')",
    "CREATE TABLE compute_spec_parts (
        compute_spec_id {uuid} NOT NULL CONSTRAINT compute_spec_parts_spec_fkey
            REFERENCES compute_specs (compute_spec_id) ON DELETE CASCADE,
        organization_id {uuid} NOT NULL,
        verdict text NOT NULL,
        decided bigint,
        reason text,
        CONSTRAINT compute_spec_parts_pkey PRIMARY KEY (compute_spec_id, organization_id)
    )",
    "CREATE INDEX compute_spec_parts_organization_idx ON compute_spec_parts (organization_id, compute_spec_id)",
    "CREATE TABLE compute_spec_datasets (
        compute_spec_id {uuid} NOT NULL CONSTRAINT compute_spec_datasets_spec_fkey
            REFERENCES compute_specs (compute_spec_id) ON DELETE CASCADE,
        dataset_id {uuid} NOT NULL,
        organization_id {uuid} NOT NULL,
        asset_policy_id {uuid},
        CONSTRAINT compute_spec_datasets_pkey PRIMARY KEY (compute_spec_id, dataset_id)
    )",
    "CREATE INDEX compute_spec_datasets_dataset_idx ON compute_spec_datasets (dataset_id, compute_spec_id)",
    "CREATE INDEX compute_spec_datasets_policy_idx ON compute_spec_datasets (asset_policy_id, compute_spec_id)",
    "CREATE TABLE compute_spec_runs (
        compute_spec_id {uuid} NOT NULL CONSTRAINT compute_spec_runs_spec_fkey
            REFERENCES compute_specs (compute_spec_id) ON DELETE CASCADE,
        run_id text NOT NULL,
        state text NOT NULL,
        detail text NOT NULL,
        started bigint NOT NULL,
        updated bigint NOT NULL,
        CONSTRAINT compute_spec_runs_pkey PRIMARY KEY (compute_spec_id, run_id)
    )",
    "CREATE INDEX compute_spec_runs_started_idx ON compute_spec_runs (compute_spec_id, started)",
    // Which active policies name a model.
    "CREATE INDEX asset_policies_model_idx ON asset_policies (model_id) WHERE state = 'ACTIVE'",
];
