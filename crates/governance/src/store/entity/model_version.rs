//! Table `model_versions`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "model_versions")]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub model_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub parameter_schema: String,
    pub artifact_uri: String,
    pub artifact_digest: String,
    pub created: i64,
    /// Set when it is published; the row never changes from then on.
    pub published: Option<i64>,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
