//! A row of `preferences`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "preferences")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) subject_id: Uuid,
    pub(crate) enabled: bool,
    pub(crate) muted: String,
    pub(crate) locale: Option<String>,
    pub(crate) digest: i16,
    pub(crate) time_zone: String,
    pub(crate) quiet_start: Option<i16>,
    pub(crate) quiet_end: Option<i16>,
    pub(crate) version: i64,
    pub(crate) updated: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
