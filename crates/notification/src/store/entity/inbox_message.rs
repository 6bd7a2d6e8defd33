//! A row of `inbox_messages`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_messages")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) message_id: Uuid,
    pub(crate) recipient_id: Uuid,
    pub(crate) notification_id: Option<Uuid>,
    pub(crate) organization_id: Option<Uuid>,
    pub(crate) sender_id: Uuid,
    pub(crate) category: String,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) reply_to: Option<Uuid>,
    pub(crate) visible: i64,
    pub(crate) expires: Option<i64>,
    /// When it was read.
    pub(crate) read: Option<i64>,
    /// Its place among all that came to lie in inboxes; NULL until it lies there.
    pub(crate) seq: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
