//! Mail domains.

use sea_orm::entity::prelude::*;

/// A row of `domains`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domains")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub domain_id: Uuid,
    pub organization_id: Uuid,
    pub name: String,
    pub token: String,
    pub verified: Option<i64>,
    pub checked: Option<i64>,
    pub created: i64,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
