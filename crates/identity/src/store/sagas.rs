//! Work that spans contexts.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{RequestId, SagaId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::saga::{ActiveModel, Column, Entity, Model};
use super::{corrupt, digest};
use crate::domain::saga::{Order, Recovery, Saga, SagaKind, SagaState};

/// Stores that the work has begun; others leave it alone until the lease ends.
pub(crate) async fn insert(tx: &Tx, saga: &Saga, lease_until: Timestamp) -> Result<(), Error> {
    insert_row(tx, saga, None, lease_until).await
}

/// Stores that ordered work has begun; violates [`SAGAS_PKEY`](super::SAGAS_PKEY) when work of this name is under way.
pub(crate) async fn insert_ordered(tx: &Tx, saga: &Saga, order: &Order, lease_until: Timestamp) -> Result<(), Error> {
    insert_row(tx, saga, Some(order), lease_until).await
}

async fn insert_row(tx: &Tx, saga: &Saga, order: Option<&Order>, lease_until: Timestamp) -> Result<(), Error> {
    let request = order.and_then(|order| order.request);
    let row = ActiveModel {
        saga_id: Set(saga.saga_id.as_uuid()),
        kind: Set(saga.kind.as_str().to_owned()),
        state: Set(saga.state.as_str().to_owned()),
        lease_until: Set(lease_until.as_micros()),
        actor_id: Set(order.map(|order| order.actor.as_uuid())),
        request_id: Set(request.map(|(id, _)| id.as_uuid())),
        fingerprint: Set(request.map(|(_, fingerprint)| fingerprint.to_vec())),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Moves the work on; `false` when it is no longer where it was, because somebody took it over.
pub(crate) async fn advance(tx: &Tx, id: SagaId, from: SagaState, to: SagaState) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(to.as_str()))
        .filter(Column::SagaId.eq(id.as_uuid()))
        .filter(Column::State.eq(from.as_str()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Forgets work that is finished or undone; `false` when somebody else did so before.
pub(crate) async fn delete(tx: &Tx, id: SagaId) -> Result<bool, Error> {
    Ok(Entity::delete_by_id(id.as_uuid()).exec(tx).await?.rows_affected == 1)
}

/// Finds the progress of a piece of work.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, id: SagaId) -> Result<Option<Saga>, Error> {
    let row = Entity::find_by_id(id.as_uuid()).one(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Finds who ordered a piece of work; none for work that nobody has to have ordered.
pub(crate) async fn find_order<C: ConnectionTrait>(connection: &C, id: SagaId) -> Result<Option<Order>, Error> {
    let Some(row) = Entity::find_by_id(id.as_uuid()).one(connection).await? else { return Ok(None) };
    let request = match (row.request_id, row.fingerprint) {
        (Some(id), Some(fingerprint)) => Some((RequestId::from_uuid(id), digest(fingerprint, "saga")?)),
        _ => None,
    };
    Ok(row.actor_id.map(|actor| Order { actor: SubjectId::from_uuid(actor), request }))
}

/// Leaves work to whoever takes it up next.
pub(crate) async fn release(tx: &Tx, id: SagaId, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::LeaseUntil, Expr::value(now.as_micros()))
        .filter(Column::SagaId.eq(id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Lists work whose worker has not come back, longest first.
pub(crate) async fn list_abandoned<C: ConnectionTrait>(
    connection: &C,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Saga>, Error> {
    let rows = Entity::find()
        .filter(Column::LeaseUntil.lte(now.as_micros()))
        .order_by_asc(Column::LeaseUntil)
        .limit(limit)
        .all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Takes over abandoned work, which is given up unless it is committed; `false` when another worker was faster.
pub(crate) async fn take_over(tx: &Tx, saga: &Saga, now: Timestamp, until: Timestamp) -> Result<bool, Error> {
    let state = match saga.recovery() {
        Recovery::Undo => SagaState::Aborting,
        Recovery::Finish => saga.state,
    };
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::LeaseUntil, Expr::value(until.as_micros()))
        .filter(Column::SagaId.eq(saga.saga_id.as_uuid()))
        .filter(Column::State.eq(saga.state.as_str()))
        .filter(Column::LeaseUntil.lte(now.as_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

fn read(row: &Model) -> Result<Saga, Error> {
    Ok(Saga {
        saga_id: SagaId::from_uuid(row.saga_id),
        kind: SagaKind::parse(&row.kind).ok_or_else(|| corrupt("saga"))?,
        state: SagaState::parse(&row.state).ok_or_else(|| corrupt("saga"))?,
    })
}
