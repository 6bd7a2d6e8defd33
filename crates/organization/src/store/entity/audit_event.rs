//! Table `audit_events`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    pub topic: String,
    pub actor_id: Option<Uuid>,
    pub organization_id: Option<Uuid>,
    pub target_id: Option<Uuid>,
    pub request_id: String,
    pub occurred: i64,
    /// A JSON object of strings.
    pub details: String,
    pub on_behalf_of_id: Option<Uuid>,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
