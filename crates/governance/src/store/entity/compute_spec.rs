//! Table `compute_specs`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "compute_specs")]
#[expect(clippy::struct_field_names, reason = "the columns of a table")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub compute_spec_id: Uuid,
    pub organization_id: Uuid,
    pub creator_id: Uuid,
    pub name: String,
    pub model_id: Uuid,
    pub model_version: String,
    pub parameters: String,
    pub state: String,
    pub cause: Option<String>,
    pub submitted: Option<i64>,
    pub ended: Option<i64>,
    pub expires: Option<i64>,
    pub version: i64,
    pub created: i64,
    pub updated: i64,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
