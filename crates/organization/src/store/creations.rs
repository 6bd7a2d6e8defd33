//! Organizations whose making is under way.

use rolecall_db::idempotency::Fingerprint;
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, RequestId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};

use super::entity::creation::{ActiveModel, Column, Entity, Model};
use crate::domain::event::Origin;
use crate::domain::organization::OwnerContact;

/// What is needed to go on after a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Creation {
    pub(crate) organization_id: OrganizationId,
    pub(crate) user_id: UserId,
    pub(crate) actor_id: SubjectId,
    /// The client's name for the change.
    pub(crate) request_id: Option<RequestId>,
    pub(crate) fingerprint: Option<[u8; 32]>,
    /// The request id of the call.
    pub(crate) call_id: Option<String>,
    pub(crate) owner: OwnerContact,
    pub(crate) created: Timestamp,
}

impl Creation {
    /// Returns who began it, and by which call.
    pub(crate) fn origin(&self) -> Origin {
        Origin { actor: Some(self.actor_id), request_id: self.call_id.as_deref().map(Into::into) }
    }

    /// Tells whether it was begun by the same request.
    pub(crate) fn is_of(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprint.as_ref() == Some(fingerprint.as_bytes())
    }
}

fn from_row(row: Model) -> Creation {
    Creation {
        organization_id: OrganizationId::from_uuid(row.organization_id),
        user_id: UserId::from_uuid(row.user_id),
        actor_id: SubjectId::from_uuid(row.actor_id),
        request_id: row.request_id.map(RequestId::from_uuid),
        fingerprint: row.fingerprint.and_then(|bytes| bytes.try_into().ok()),
        call_id: row.call_id,
        owner: OwnerContact {
            email: row.email,
            full_name: row.full_name,
            given_name: row.given_name,
            family_name: row.family_name,
        },
        created: Timestamp::from_micros(row.created),
    }
}

/// Adds one; violates [`super::CREATION_REQUEST_KEY`] when the same request is under way.
pub(crate) async fn insert(tx: &Tx, creation: &Creation, lease_until: Timestamp) -> Result<(), Error> {
    let owner = &creation.owner;
    let row = ActiveModel {
        organization_id: Set(creation.organization_id.as_uuid()),
        user_id: Set(creation.user_id.as_uuid()),
        actor_id: Set(creation.actor_id.as_uuid()),
        request_id: Set(creation.request_id.map(RequestId::as_uuid)),
        fingerprint: Set(creation.fingerprint.map(Vec::from)),
        call_id: Set(creation.call_id.clone()),
        email: Set(owner.email.clone()),
        full_name: Set(owner.full_name.clone()),
        given_name: Set(owner.given_name.clone()),
        family_name: Set(owner.family_name.clone()),
        lease_until: Set(lease_until.as_micros()),
        created: Set(creation.created.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds the one that a request began.
pub(crate) async fn find_by_request<C: ConnectionTrait>(
    connection: &C,
    actor: SubjectId,
    request: RequestId,
) -> Result<Option<Creation>, Error> {
    let query =
        Entity::find().filter(Column::ActorId.eq(actor.as_uuid())).filter(Column::RequestId.eq(request.as_uuid()));
    Ok(query.one(connection).await?.map(from_row))
}

/// Finds that of an organization, and keeps others from ending it meanwhile.
pub(crate) async fn find_locked(tx: &Tx, id: OrganizationId) -> Result<Option<Creation>, Error> {
    Ok(Entity::find_by_id(id.as_uuid()).lock_for_update().one(tx).await?.map(from_row))
}

/// Takes over those whose lease has ended, or that one, until `lease_until`.
pub(crate) async fn claim(
    tx: &Tx,
    only: Option<OrganizationId>,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<Creation>, Error> {
    let mut query = Entity::find().filter(Column::LeaseUntil.lte(now.as_micros()));
    if let Some(id) = only {
        query = query.filter(Column::OrganizationId.eq(id.as_uuid()));
    }
    let rows = query.order_by_asc(Column::LeaseUntil).limit(20).lock_for_update().all(tx).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.organization_id).collect();
    if !ids.is_empty() {
        lease(tx, &ids, lease_until).await?;
    }
    Ok(rows.into_iter().map(from_row).collect())
}

/// Ends a lease before its time.
pub(crate) async fn release(tx: &Tx, id: OrganizationId, now: Timestamp) -> Result<(), Error> {
    lease(tx, &[id.as_uuid()], now).await
}

async fn lease(tx: &Tx, ids: &[uuid::Uuid], until: Timestamp) -> Result<(), Error> {
    let query = Entity::update_many()
        .col_expr(Column::LeaseUntil, Expr::value(until.as_micros()))
        .filter(Column::OrganizationId.is_in(ids.iter().copied()));
    query.exec(tx).await?;
    Ok(())
}

/// Ends one.
pub(crate) async fn delete(tx: &Tx, id: OrganizationId) -> Result<(), Error> {
    Entity::delete_by_id(id.as_uuid()).exec(tx).await?;
    Ok(())
}
