//! Invitations.

use sea_orm::entity::prelude::*;

/// A row of `invitations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub invitation_id: Uuid,
    pub user_id: Uuid,
    pub organization_id: Uuid,
    pub inviter_id: Uuid,
    pub code_hash: Vec<u8>,
    pub mailed: bool,
    pub state: String,
    pub created: i64,
    pub expires: i64,
    pub claimed_password_hash: Option<String>,
    pub claimed_until: Option<i64>,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
