//! The tables of this context: `SeaORM` models, queries, migrations.

pub(crate) mod claims;
pub(crate) mod deliveries;
pub(crate) mod migrations;

mod entity;
