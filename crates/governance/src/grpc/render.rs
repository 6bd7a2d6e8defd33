//! Domain types as messages.

pub(super) mod asset_policies;
pub(super) mod datasets;
pub(super) mod models;
