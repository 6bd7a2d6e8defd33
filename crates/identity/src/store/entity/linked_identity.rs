//! What identity providers know people by.

use sea_orm::entity::prelude::*;

/// A row of `linked_identities`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "linked_identities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub linked_identity_id: Uuid,
    pub user_id: Uuid,
    pub identity_provider_id: Uuid,
    pub issuer: String,
    pub subject: String,
    pub created: i64,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
