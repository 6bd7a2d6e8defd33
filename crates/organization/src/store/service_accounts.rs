//! Service accounts.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, ServiceAccountId};
use rolecall_kernel::time::Timestamp;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};

use super::entity::service_account::{ActiveModel, Column, Entity, Model};
use crate::domain::permission::Permission;
use crate::domain::service_account::ServiceAccount;

/// Permissions that the catalogue no longer knows are dropped: they open nothing.
fn from_row(row: &Model) -> ServiceAccount {
    let known = row.permissions.split(',').filter_map(Permission::find).map(|permission| permission.name);
    ServiceAccount {
        service_account_id: ServiceAccountId::from_uuid(row.service_account_id),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        permissions: known.collect(),
    }
}

/// Adds a service account.
pub(crate) async fn insert(tx: &Tx, account: &ServiceAccount, now: Timestamp) -> Result<(), Error> {
    let permissions: Vec<&str> = account.permissions.iter().copied().collect();
    let row = ActiveModel {
        service_account_id: Set(account.service_account_id.as_uuid()),
        organization_id: Set(account.organization_id.map(OrganizationId::as_uuid)),
        permissions: Set(permissions.join(",")),
        created: Set(now.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a service account; who may see it is for the caller to decide.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    id: ServiceAccountId,
) -> Result<Option<ServiceAccount>, Error> {
    let row = Entity::find_by_id(id.as_uuid()).one(connection).await?;
    Ok(row.as_ref().map(from_row))
}

/// Writes the permissions of a service account; who may change them was decided in the transaction.
pub(crate) async fn update(tx: &Tx, account: &ServiceAccount) -> Result<(), Error> {
    let permissions: Vec<&str> = account.permissions.iter().copied().collect();
    let row = ActiveModel {
        service_account_id: Set(account.service_account_id.as_uuid()),
        permissions: Set(permissions.join(",")),
        ..ActiveModel::default()
    };
    Entity::update(row).exec(tx).await?;
    Ok(())
}

/// Removes all service accounts of an organization.
pub(crate) async fn delete_all(tx: &Tx, organization: OrganizationId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Removes a service account; `false` when there was none.
pub(crate) async fn delete(tx: &Tx, id: ServiceAccountId) -> Result<bool, Error> {
    Ok(Entity::delete_by_id(id.as_uuid()).exec(tx).await?.rows_affected == 1)
}
