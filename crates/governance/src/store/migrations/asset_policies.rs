//! Asset policies, what they open, and to whom.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE asset_policies (
        asset_policy_id {uuid} NOT NULL CONSTRAINT asset_policies_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL CONSTRAINT asset_policies_organization_fkey
            REFERENCES organizations (organization_id) ON DELETE CASCADE,
        name text NOT NULL,
        model_id {uuid} NOT NULL,
        model_version text NOT NULL,
        parameter_bounds text NOT NULL,
        minimum_cohort integer,
        epsilon double precision,
        delta double precision,
        output_review boolean NOT NULL,
        obligations text NOT NULL,
        starts bigint,
        ends bigint,
        state text NOT NULL,
        activated bigint,
        revoked bigint,
        revoke_reason text,
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL
    )",
    "CREATE INDEX asset_policies_organization_idx ON asset_policies (organization_id, created, asset_policy_id)",
    "CREATE INDEX asset_policies_state_idx ON asset_policies (organization_id, state, created, asset_policy_id)",
    "CREATE INDEX asset_policies_created_idx ON asset_policies (created, asset_policy_id)",
    "CREATE TABLE asset_policy_datasets (
        asset_policy_id {uuid} NOT NULL CONSTRAINT asset_policy_datasets_policy_fkey
            REFERENCES asset_policies (asset_policy_id) ON DELETE CASCADE,
        dataset_id {uuid} NOT NULL,
        CONSTRAINT asset_policy_datasets_pkey PRIMARY KEY (asset_policy_id, dataset_id)
    )",
    "CREATE INDEX asset_policy_datasets_dataset_idx ON asset_policy_datasets (dataset_id, asset_policy_id)",
    "CREATE TABLE asset_policy_beneficiaries (
        asset_policy_id {uuid} NOT NULL CONSTRAINT asset_policy_beneficiaries_policy_fkey
            REFERENCES asset_policies (asset_policy_id) ON DELETE CASCADE,
        email_key text NOT NULL,
        email text NOT NULL,
        address_hash text NOT NULL,
        user_id {uuid},
        bound bigint,
        CONSTRAINT asset_policy_beneficiaries_pkey PRIMARY KEY (asset_policy_id, email_key)
    )",
    "CREATE INDEX asset_policy_beneficiaries_waiting_idx ON asset_policy_beneficiaries (address_hash)
        WHERE user_id IS NULL",
    "CREATE INDEX asset_policy_beneficiaries_user_idx ON asset_policy_beneficiaries (user_id, asset_policy_id)",
    "CREATE TABLE email_proofs (
        revision bigint NOT NULL CONSTRAINT email_proofs_pkey PRIMARY KEY,
        address_hash text NOT NULL,
        user_id {uuid} NOT NULL,
        noted bigint NOT NULL
    )",
    "CREATE INDEX email_proofs_address_idx ON email_proofs (address_hash, revision)",
    "CREATE INDEX email_proofs_noted_idx ON email_proofs (noted)",
];
