//! Table `organization_creations`: organizations whose making is under way.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_creations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    pub user_id: Uuid,
    pub actor_id: Uuid,
    /// The client's name for the change.
    pub request_id: Option<Uuid>,
    pub fingerprint: Option<Vec<u8>>,
    /// The request id of the call.
    pub call_id: Option<String>,
    pub email: String,
    pub full_name: String,
    pub given_name: String,
    pub family_name: String,
    /// Until when the process that works on it is left alone.
    pub lease_until: i64,
    pub created: i64,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
