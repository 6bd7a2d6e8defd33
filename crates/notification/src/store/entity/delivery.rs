//! A row of `deliveries`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deliveries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) delivery_id: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) organization_id: Option<Uuid>,
    pub(crate) recipient_id: Uuid,
    pub(crate) template: String,
    pub(crate) template_version: i32,
    pub(crate) email: String,
    pub(crate) variables: String,
    pub(crate) sealed_secret: Option<Vec<u8>>,
    /// Whether it had a secret, erased or not.
    pub(crate) has_secret: bool,
    pub(crate) state: i16,
    pub(crate) channel: String,
    /// While an attempt is under way: when its lease ends.
    pub(crate) next_attempt: i64,
    pub(crate) lease: Option<Uuid>,
    pub(crate) attempt_count: i32,
    /// Attempts since it was queued that count for the schedule.
    pub(crate) tries: i32,
    pub(crate) queued: i64,
    pub(crate) expires: Option<i64>,
    pub(crate) created: i64,
    pub(crate) sent: Option<i64>,
    pub(crate) trace: Option<String>,
    pub(crate) category: String,
    /// Why it is not sent; only of what is finished.
    pub(crate) suppressed: Option<String>,
    /// When a digest tells it; NULL once one does.
    pub(crate) digest_due: Option<i64>,
    /// 0 for what is mandatory, which is claimed first, and 1 for everything else.
    pub(crate) urgency: i16,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
