//! Login sessions.

use sea_orm::entity::prelude::*;

/// A row of `sessions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: Uuid,
    pub user_id: Uuid,
    pub auth_time: i64,
    pub methods: String,
    pub last_used: i64,
    pub idle_expires: i64,
    pub absolute_expires: i64,
    pub ended: Option<i64>,
    pub end_reason: Option<String>,
    pub actor_id: Option<Uuid>,
    pub actor_session_id: Option<Uuid>,
    pub read_only: bool,
    pub audience: Option<String>,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
