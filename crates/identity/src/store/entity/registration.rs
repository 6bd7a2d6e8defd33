//! Registrations.

use sea_orm::entity::prelude::*;

/// A row of `registrations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registrations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub registration_id: Uuid,
    pub organization_id: Uuid,
    pub email: String,
    pub email_key: String,
    pub name: String,
    pub given_name: String,
    pub family_name: String,
    pub institution: String,
    pub website: String,
    pub password_hash: String,
    pub code_hash: Vec<u8>,
    pub claimed_user_id: Option<Uuid>,
    pub created: i64,
    pub expires: i64,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
