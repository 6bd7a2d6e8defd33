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
    /// A JSON object of strings; empty where the details are sealed.
    pub details: String,
    pub on_behalf_of_id: Option<Uuid>,
    /// The organization, or the nil id; set with all that follows when the entry is chained.
    pub chain_id: Option<Uuid>,
    pub sequence: Option<i64>,
    pub hash: Option<Vec<u8>>,
    pub commitment: Option<Vec<u8>>,
    /// Whose key seals the details.
    pub sealed_for: Option<Uuid>,
    /// The salt and the details as JSON.
    pub sealed: Option<Vec<u8>>,
    /// The number that its context gave it; zero when it gave none.
    pub source_number: i64,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
