//! Table `compute_spec_parts`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "compute_spec_parts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub compute_spec_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    pub verdict: String,
    pub decided: Option<i64>,
    pub reason: Option<String>,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
