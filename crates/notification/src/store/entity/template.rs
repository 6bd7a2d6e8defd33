//! A row of `templates`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "templates")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) template_id: Uuid,
    pub(crate) organization_id: Uuid,
    pub(crate) name: String,
    /// The latest.
    pub(crate) version: i32,
    pub(crate) created: i64,
    /// Since when it is there only for what may still be sent with it; it has given up its name.
    pub(crate) deleted: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
