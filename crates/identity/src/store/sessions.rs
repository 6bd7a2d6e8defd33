//! Login sessions.

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::session::{ActiveModel, Column, Entity, Model};
use crate::domain::session::{EndReason, Session};

/// Inserts a session.
pub(crate) async fn insert(tx: &Tx, session: &Session) -> Result<(), Error> {
    let row = ActiveModel {
        session_id: Set(session.session_id.as_uuid()),
        user_id: Set(session.user_id.as_uuid()),
        auth_time: Set(session.auth_time.as_micros()),
        last_used: Set(session.auth_time.as_micros()),
        idle_expires: Set(session.idle_expires.as_micros()),
        absolute_expires: Set(session.absolute_expires.as_micros()),
        ended: Set(None),
        end_reason: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a session.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, id: SessionId) -> Result<Option<Session>, Error> {
    Ok(Entity::find_by_id(id.as_uuid()).one(connection).await?.as_ref().map(read))
}

/// Finds a session and keeps it as it is until the transaction ends.
pub(crate) async fn lock(tx: &Tx, id: SessionId) -> Result<Option<Session>, Error> {
    let row = Entity::find_by_id(id.as_uuid()).lock_for_update().one(tx).await?;
    Ok(row.as_ref().map(read))
}

/// Stores the idle end of a session that was refreshed.
pub(crate) async fn note_refresh(tx: &Tx, session: &Session, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::LastUsed, Expr::value(now.as_micros()))
        .col_expr(Column::IdleExpires, Expr::value(session.idle_expires.as_micros()))
        .filter(Column::SessionId.eq(session.session_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Ends a session; `false` when it had ended.
pub(crate) async fn end(tx: &Tx, id: SessionId, reason: EndReason, now: Timestamp) -> Result<bool, Error> {
    Ok(end_where(tx, Condition::all().add(Column::SessionId.eq(id.as_uuid())), reason, now).await? == 1)
}

/// Which sessions of a person end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// All but this one.
    AllBut(SessionId),
    /// Those begun up to this time.
    BegunBy(Timestamp),
    /// The oldest, so that this many are left.
    BeyondNewest(u64),
}

/// Ends sessions of a person and returns which.
pub(crate) async fn end_of_user(
    tx: &Tx,
    user_id: UserId,
    which: Which,
    reason: EndReason,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let alive = Entity::find().filter(Column::UserId.eq(user_id.as_uuid())).filter(Column::Ended.is_null());
    let chosen = match which {
        Which::AllBut(id) => alive.filter(Column::SessionId.ne(id.as_uuid())),
        Which::BegunBy(time) => alive.filter(Column::AuthTime.lte(time.as_micros())),
        Which::BeyondNewest(keep) => alive
            .filter(Column::AbsoluteExpires.gt(now.as_micros()))
            .order_by_desc(Column::AuthTime)
            .order_by_desc(Column::SessionId)
            .offset(keep)
            // SQLite takes no OFFSET without a LIMIT.
            .limit(1_000),
    };
    let ids: Vec<_> = chosen.all(tx).await?.iter().map(|row| row.session_id).collect();
    if !ids.is_empty() {
        let these = Condition::all().add(Column::SessionId.is_in(ids.iter().copied()));
        end_where(tx, these, reason, now).await?;
    }
    Ok(ids.into_iter().map(SessionId::from_uuid).collect())
}

async fn end_where(tx: &Tx, which: Condition, reason: EndReason, now: Timestamp) -> Result<u64, Error> {
    let done = Entity::update_many()
        .col_expr(Column::Ended, Expr::value(now.as_micros()))
        .col_expr(Column::EndReason, Expr::value(reason.as_str()))
        .filter(which)
        .filter(Column::Ended.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// Deletes sessions, and with them their refresh tokens, that nobody can use or reuse any more.
pub(crate) async fn sweep(tx: &Tx, expired_before: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::AbsoluteExpires.lt(expired_before.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn read(row: &Model) -> Session {
    Session {
        session_id: SessionId::from_uuid(row.session_id),
        user_id: UserId::from_uuid(row.user_id),
        auth_time: Timestamp::from_micros(row.auth_time),
        idle_expires: Timestamp::from_micros(row.idle_expires),
        absolute_expires: Timestamp::from_micros(row.absolute_expires),
        ended: row.ended.is_some(),
    }
}
