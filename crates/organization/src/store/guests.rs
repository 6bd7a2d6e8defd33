//! Guests.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};

use super::entity::guest::{ActiveModel, Column, Entity};
use super::settings;
use crate::domain::guest::Guest;

/// Adds a guest.
pub(crate) async fn insert(tx: &Tx, guest: &Guest) -> Result<(), Error> {
    let row = ActiveModel {
        guest_id: Set(guest.guest_id.as_uuid()),
        organization_id: Set(guest.organization_id.as_uuid()),
        expires: Set(guest.expires.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a guest; who may see it is for the caller to decide.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, id: SubjectId) -> Result<Option<Guest>, Error> {
    let Some(row) = Entity::find_by_id(id.as_uuid()).one(connection).await? else { return Ok(None) };
    let organization_id = OrganizationId::from_uuid(row.organization_id);
    let allowed = are_allowed(connection, organization_id).await?;
    Ok(Some(Guest { guest_id: id, organization_id, expires: Timestamp::from_micros(row.expires), allowed }))
}

/// Tells whether an organization is in operation and allows guests.
pub(crate) async fn are_allowed<C: ConnectionTrait>(connection: &C, id: OrganizationId) -> Result<bool, Error> {
    let found = settings::list_with_organizations(connection, &[id]).await?;
    Ok(found.first().is_some_and(|(found, stored)| found.suspension().is_none() && stored.settings.guest_sessions))
}

/// Ends a guest and returns it; none when there was none.
pub(crate) async fn delete(tx: &Tx, id: SubjectId) -> Result<Option<Guest>, Error> {
    let found = find(tx, id).await?;
    Entity::delete_by_id(id.as_uuid()).exec(tx).await?;
    Ok(found)
}

/// Ends all guests of an organization and returns them.
pub(crate) async fn delete_all(tx: &Tx, organization: OrganizationId) -> Result<Vec<SubjectId>, Error> {
    let of_organization = || Column::OrganizationId.eq(organization.as_uuid());
    let rows = Entity::find().filter(of_organization()).all(tx).await?;
    Entity::delete_many().filter(of_organization()).exec(tx).await?;
    Ok(rows.into_iter().map(|row| SubjectId::from_uuid(row.guest_id)).collect())
}

/// Deletes the guests that have ended by themselves.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    Ok(Entity::delete_many().filter(Column::Expires.lte(now.as_micros())).exec(tx).await?.rows_affected)
}
