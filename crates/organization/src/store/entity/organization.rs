//! Table `organizations`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
#[expect(clippy::struct_excessive_bools, reason = "the columns of a table")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    pub name: String,
    pub name_key: String,
    pub state: String,
    pub home: bool,
    pub mfa_policy: String,
    pub version: i64,
    pub created: i64,
    pub registration_mode: String,
    /// In order, separated by commas.
    pub allowed_email_domains: String,
    pub password_min_characters: Option<i16>,
    pub password_three_classes: bool,
    /// In microseconds, as all durations here.
    pub invitation_lifetime: Option<i64>,
    pub session_idle: Option<i64>,
    pub session_absolute: Option<i64>,
    pub guest_sessions: bool,
    pub owner_impersonation: bool,
    pub settings_version: i64,
    pub settings_updated: Option<i64>,
    /// Set while nobody who belongs to it can act.
    pub suspended_since: Option<i64>,
    pub suspended_by: Option<Uuid>,
    pub suspend_reason: Option<String>,
    /// Set when it is deleted: hidden from then on, until it is purged.
    pub deleted: Option<i64>,
    pub login_policy: String,
    pub break_glass_user_id: Option<Uuid>,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
