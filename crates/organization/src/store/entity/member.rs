//! Table `members`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub organization_id: Uuid,
    pub state: String,
    /// Names in alphabetical order, separated by commas.
    pub roles: String,
    /// Whether `roles` holds `OWNER`; what the guards count by.
    pub is_owner: bool,
    /// Whether `roles` holds `ADMIN`; what the guards count by.
    pub is_admin: bool,
    pub block_reason: Option<String>,
    pub blocked_since: Option<i64>,
    pub blocked_until: Option<i64>,
    pub blocked_by: Option<Uuid>,
    /// Who added the member.
    pub added_by: Option<Uuid>,
    pub version: i64,
    pub created: i64,
    pub updated: i64,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
