//! Rows as they are stored.
#![expect(unreachable_pub, reason = "SeaORM's derived types are public; this module is not")]

pub mod asset_policy;
pub mod asset_policy_beneficiary;
pub mod asset_policy_dataset;
pub mod compute_spec;
pub mod compute_spec_dataset;
pub mod compute_spec_part;
pub mod compute_spec_run;
pub mod dataset;
pub mod model;
pub mod model_version;
