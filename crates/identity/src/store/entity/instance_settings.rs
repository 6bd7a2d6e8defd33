//! How the installation presents itself.

use sea_orm::entity::prelude::*;

/// A row of `instance_settings`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instance_settings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    pub instance_id: Uuid,
    pub name: Option<String>,
    pub welcome_text: String,
    pub organization_directory: bool,
    pub version: i64,
    pub updated: Option<i64>,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
