//! Sessions that began at an identity provider.

use sea_orm::entity::prelude::*;

/// A row of `sso_sessions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sso_sessions")]
#[expect(clippy::struct_field_names, reason = "the columns of a table")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: Uuid,
    pub identity_provider_id: Uuid,
    pub user_id: Uuid,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
