//! Table `asset_policy_beneficiaries`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "asset_policy_beneficiaries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub asset_policy_id: Uuid,
    /// The canonical address.
    #[sea_orm(primary_key, auto_increment = false)]
    pub email_key: String,
    /// The address as the owner wrote it.
    pub email: String,
    /// The keyed hash by which identity tells of its proof.
    pub address_hash: String,
    /// The account that proved it; never changes once it is set.
    pub user_id: Option<Uuid>,
    pub bound: Option<i64>,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
