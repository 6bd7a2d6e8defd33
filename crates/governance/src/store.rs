//! The tables of governed resources: rows in, domain types out.
//!
//! Functions on tenant data take a scope, which becomes part of the WHERE, and changes demand the permit that a row
//! read under a scope gave.

pub(crate) mod asset_policies;
pub(crate) mod beneficiaries;
pub(crate) mod compute_specs;
pub(crate) mod datasets;
pub(crate) mod disclosures;
pub(crate) mod migrations;
pub(crate) mod models;

mod entity;

use rolecall_db::UniqueConstraint;
use sea_orm::DbErr;

/// The name belongs to another dataset of the organization.
pub(crate) const DATASET_NAME_KEY: &str = "datasets_name_key";
/// The name belongs to another model of the organization.
pub(crate) const MODEL_NAME_KEY: &str = "models_name_key";

/// The unique constraints of this crate.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = rolecall_db::constraints! {
    "datasets_pkey" => "datasets", ["dataset_id"];
    "datasets_name_key" => "datasets", ["organization_id", "name_key"];
    "asset_policies_pkey" => "asset_policies", ["asset_policy_id"];
    "asset_policy_datasets_pkey" => "asset_policy_datasets", ["asset_policy_id", "dataset_id"];
    "asset_policy_beneficiaries_pkey" => "asset_policy_beneficiaries", ["asset_policy_id", "email_key"];
    "compute_specs_pkey" => "compute_specs", ["compute_spec_id"];
    "compute_spec_parts_pkey" => "compute_spec_parts", ["compute_spec_id", "organization_id"];
    "compute_spec_datasets_pkey" => "compute_spec_datasets", ["compute_spec_id", "dataset_id"];
    "compute_spec_runs_pkey" => "compute_spec_runs", ["compute_spec_id", "run_id"];
    "email_proofs_pkey" => "email_proofs", ["revision"];
    "models_pkey" => "models", ["model_id"];
    "models_name_key" => "models", ["organization_id", "name_key"];
    "model_versions_pkey" => "model_versions", ["model_id", "name"];
};

/// Reports a stored value that no version of this program wrote.
fn corrupt(what: &str) -> DbErr {
    DbErr::Custom(format!("the stored {what} is not one"))
}
