//! Second factors.

use sea_orm::entity::prelude::*;

/// A row of `factors`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "factors")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub factor_id: Uuid,
    pub user_id: Uuid,
    pub name: String,
    pub sealed_secret: Vec<u8>,
    pub confirmed: Option<i64>,
    pub expires: i64,
    pub last_step: i64,
    pub last_used: Option<i64>,
    pub disabled: Option<i64>,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
