//! A row of `notifications`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) notification_id: Uuid,
    pub(crate) organization_id: Option<Uuid>,
    pub(crate) sender_id: Uuid,
    pub(crate) category: String,
    pub(crate) title: String,
    pub(crate) recipient_count: i32,
    pub(crate) created: i64,
    pub(crate) scheduled: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) cancelled: Option<i64>,
    /// The template that it is sent with; NULL for a text as it is.
    pub(crate) template_id: Option<Uuid>,
    pub(crate) template_name: String,
    pub(crate) template_version: i32,
    /// The values for the template, as JSON; empty for a text as it is.
    pub(crate) data: String,
    /// Whether only members of the organization may get it.
    pub(crate) members_only: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
