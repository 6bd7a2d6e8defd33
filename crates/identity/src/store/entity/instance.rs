//! The installation.

use sea_orm::entity::prelude::*;

/// A row of `instance`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instance")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    pub stage: String,
    pub setup_secret_hash: Option<Vec<u8>>,
    pub fingerprint: Option<Vec<u8>>,
    pub user_id: Option<Uuid>,
    pub organization_id: Option<Uuid>,
    pub created: i64,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
