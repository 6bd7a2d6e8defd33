//! Work that spans contexts.

use sea_orm::entity::prelude::*;

/// A row of `sagas`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sagas")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub saga_id: Uuid,
    pub kind: String,
    pub state: String,
    pub lease_until: i64,
    pub actor_id: Option<Uuid>,
    pub request_id: Option<Uuid>,
    pub fingerprint: Option<Vec<u8>>,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
