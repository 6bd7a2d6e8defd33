//! Domain types as messages.

pub(super) mod models;
