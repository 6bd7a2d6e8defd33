//! Domain types as messages.

pub(super) mod datasets;
pub(super) mod models;
