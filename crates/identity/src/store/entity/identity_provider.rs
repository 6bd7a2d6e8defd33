//! Identity providers.

use sea_orm::entity::prelude::*;

/// A row of `identity_providers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_providers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity_provider_id: Uuid,
    pub organization_id: Uuid,
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub sealed_secret: Vec<u8>,
    pub scopes: String,
    pub role_source: String,
    pub role_claim: String,
    pub role_mapping: String,
    pub required_acr: String,
    pub required_amr: String,
    pub just_in_time: bool,
    pub linking: bool,
    pub enabled: bool,
    pub configured_by: Uuid,
    pub version: i64,
    pub created: i64,
    pub updated: i64,
}

/// None: rows are joined by use cases, never by the mapper.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
