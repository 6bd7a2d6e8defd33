//! Accounts of persons.

use sea_orm::entity::prelude::*;

/// A row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub organization_id: Uuid,
    pub email: String,
    pub email_key: String,
    pub email_verified: bool,
    pub name: String,
    pub name_key: String,
    pub given_name: String,
    pub given_name_key: String,
    pub family_name: String,
    pub family_name_key: String,
    pub institution: String,
    pub institution_key: String,
    pub website: String,
    pub state: String,
    pub version: i64,
    pub created: i64,
    pub updated: i64,
    pub last_login: Option<i64>,
    pub deleted: Option<i64>,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
