//! The steps of the schema, oldest first; they follow those of organization.

mod asset_policies;
mod compute_specs;
mod datasets;
mod disclosures;
mod models;

use rolecall_organization::ground::step;
use sea_orm_migration::MigrationTrait;

/// Returns all steps.
pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        step("organization_0090_models", models::UP),
        step("organization_0091_datasets", datasets::UP),
        step("organization_0100_asset_policies", asset_policies::UP),
        step("organization_0101_disclosures", disclosures::UP),
        step("organization_0105_compute_specs", compute_specs::UP),
    ]
}
