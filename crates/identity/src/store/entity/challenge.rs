//! Logins that are under way.

use sea_orm::entity::prelude::*;

/// A row of `challenges`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "challenges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: Vec<u8>,
    pub user_id: Uuid,
    pub credential: Vec<u8>,
    pub methods: String,
    pub change_due: bool,
    pub factor_id: Option<Uuid>,
    pub expires: i64,
    pub device: Option<Vec<u8>>,
    pub counted: Option<Vec<u8>>,
    pub audience: Option<String>,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
