//! Table `asset_policies`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "asset_policies")]
#[expect(clippy::struct_field_names, reason = "the columns of a table")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub asset_policy_id: Uuid,
    pub organization_id: Uuid,
    pub name: String,
    pub model_id: Uuid,
    pub model_version: String,
    /// Empty when there are none.
    pub parameter_bounds: String,
    pub minimum_cohort: Option<i32>,
    pub epsilon: Option<f64>,
    pub delta: Option<f64>,
    pub output_review: bool,
    /// Names with a comma between them.
    pub obligations: String,
    pub starts: Option<i64>,
    pub ends: Option<i64>,
    pub state: String,
    pub activated: Option<i64>,
    pub revoked: Option<i64>,
    pub revoke_reason: Option<String>,
    pub version: i64,
    pub created: i64,
    pub updated: i64,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
