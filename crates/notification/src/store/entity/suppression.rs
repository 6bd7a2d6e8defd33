//! A row of `suppressions`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suppressions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) email_key: String,
    pub(crate) email: String,
    pub(crate) reason: String,
    pub(crate) detail: String,
    /// Who added it; NULL when a mail server refused it.
    pub(crate) actor_id: Option<Uuid>,
    /// Whose mail was refused.
    pub(crate) recipient_id: Option<Uuid>,
    pub(crate) created: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
