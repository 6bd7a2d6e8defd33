//! Table `compute_spec_datasets`.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "compute_spec_datasets")]
#[expect(clippy::struct_field_names, reason = "columns are called here what the contract calls them")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub compute_spec_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub dataset_id: Uuid,
    pub organization_id: Uuid,
    /// The policy by which; none in a draft, and when the creator views the dataset by its role.
    pub asset_policy_id: Option<Uuid>,
}

/// None: rows are found by their ids.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
