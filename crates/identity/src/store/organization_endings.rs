//! Deleted organizations whose accounts are being ended.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, EntityTrait as _, QueryOrder as _};

use super::entity::organization_ending::{ActiveModel, Column, Entity};

/// What is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// Who deleted it.
    pub(crate) actor: SubjectId,
    /// Until when it is looked for what was on its way.
    pub(crate) watched_until: Timestamp,
}

/// Notes one; an organization is deleted once.
pub(crate) async fn insert(tx: &Tx, ending: &Ending) -> Result<(), Error> {
    let row = ActiveModel {
        organization_id: Set(ending.organization_id.as_uuid()),
        actor_id: Set(ending.actor.as_uuid()),
        watched_until: Set(ending.watched_until.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Lists all; they are few, and short-lived.
pub(crate) async fn list<C: ConnectionTrait>(connection: &C) -> Result<Vec<Ending>, Error> {
    let rows = Entity::find().order_by_asc(Column::OrganizationId).all(connection).await?;
    let read = |row: super::entity::organization_ending::Model| Ending {
        organization_id: OrganizationId::from_uuid(row.organization_id),
        actor: SubjectId::from_uuid(row.actor_id),
        watched_until: Timestamp::from_micros(row.watched_until),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Forgets one that is worked off.
pub(crate) async fn delete(tx: &Tx, organization: OrganizationId) -> Result<(), Error> {
    Entity::delete_by_id(organization.as_uuid()).exec(tx).await?;
    Ok(())
}
