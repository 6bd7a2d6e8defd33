//! Table `compute_spec_runs`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "compute_spec_runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub compute_spec_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: String,
    pub state: String,
    pub detail: String,
    pub started: i64,
    pub updated: i64,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
