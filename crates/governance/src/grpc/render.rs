//! Domain types as messages.

pub(super) mod asset_policies;
pub(super) mod compute_specs;
pub(super) mod datasets;
pub(super) mod models;
