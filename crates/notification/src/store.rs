//! The tables of this context: `SeaORM` models, queries, migrations.

pub(crate) mod claims;
pub(crate) mod deliveries;
pub(crate) mod digests;
pub(crate) mod ended;
pub(crate) mod endings;
pub(crate) mod inbox;
pub(crate) mod inbox_order;
pub(crate) mod migrations;
pub(crate) mod notifications;
pub(crate) mod preferences;
pub(crate) mod suppressions;
pub(crate) mod templates;
pub(crate) mod writings;

mod entity;
