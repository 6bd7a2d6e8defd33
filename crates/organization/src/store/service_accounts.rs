//! Service accounts.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, ServiceAccountId};
use rolecall_kernel::time::Timestamp;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};

use super::entity::service_account::{ActiveModel, Column, Entity, Model};
use crate::domain::permission::Permission;
use crate::domain::service_account::ServiceAccount;

/// Permissions that the catalogue no longer knows are dropped: they open nothing. Those that other backends registered
/// are taken out when they end.
fn from_row(row: &Model) -> ServiceAccount {
    let names = row.permissions.split(',').filter(|name| !name.is_empty());
    let known = names.filter(|name| Permission::named(name).is_some()).map(str::to_owned);
    ServiceAccount {
        service_account_id: ServiceAccountId::from_uuid(row.service_account_id),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        permissions: known.collect(),
    }
}

/// Adds a service account.
pub(crate) async fn insert(tx: &Tx, account: &ServiceAccount, now: Timestamp) -> Result<(), Error> {
    let permissions: Vec<&str> = account.permissions.iter().map(String::as_str).collect();
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

/// Reads all service accounts there are: what is rarely done may read the whole table.
pub(crate) async fn list_all(tx: &Tx) -> Result<Vec<ServiceAccount>, Error> {
    Ok(Entity::find().all(tx).await?.iter().map(from_row).collect())
}

/// Writes the permissions of a service account; who may change them was decided in the transaction.
pub(crate) async fn update(tx: &Tx, account: &ServiceAccount) -> Result<(), Error> {
    let permissions: Vec<&str> = account.permissions.iter().map(String::as_str).collect();
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
