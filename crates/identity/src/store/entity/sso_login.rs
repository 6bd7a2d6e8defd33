//! Logins whose persons are at their providers.

use sea_orm::entity::prelude::*;

/// A row of `sso_logins`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sso_logins")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: Vec<u8>,
    pub state_hash: Vec<u8>,
    pub identity_provider_id: Uuid,
    pub provider_version: i64,
    pub user_id: Option<Uuid>,
    pub sealed: Vec<u8>,
    pub audience: Option<String>,
    pub began: i64,
    pub expires: i64,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
