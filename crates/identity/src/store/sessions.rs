//! Login sessions.

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use super::corrupt;
use super::entity::session::{ActiveModel, Column, Entity, Model};
use crate::domain::session::{Acting, AuthMethods, EndReason, Session};

/// Inserts a session.
pub(crate) async fn insert(tx: &Tx, session: &Session) -> Result<(), Error> {
    let row = ActiveModel {
        session_id: Set(session.session_id.as_uuid()),
        user_id: Set(session.user_id.as_uuid()),
        auth_time: Set(session.auth_time.as_micros()),
        methods: Set(session.methods.to_text()),
        last_used: Set(session.last_used.as_micros()),
        idle_expires: Set(session.idle_expires.as_micros()),
        absolute_expires: Set(session.absolute_expires.as_micros()),
        ended: Set(None),
        end_reason: Set(None),
        actor_id: Set(session.acting.map(|acting| acting.actor.as_uuid())),
        actor_session_id: Set(session.acting.map(|acting| acting.session_id.as_uuid())),
        read_only: Set(session.acting.is_some_and(|acting| acting.read_only)),
        audience: Set(session.audience.clone()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a session.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, id: SessionId) -> Result<Option<Session>, Error> {
    Entity::find_by_id(id.as_uuid()).one(connection).await?.as_ref().map(read).transpose()
}

/// Finds a session and keeps it as it is until the transaction ends.
pub(crate) async fn lock(tx: &Tx, id: SessionId) -> Result<Option<Session>, Error> {
    let row = Entity::find_by_id(id.as_uuid()).lock_for_update().one(tx).await?;
    row.as_ref().map(read).transpose()
}

/// Lists the sessions of a person that go on, newest first: those begun before `after`.
pub(crate) async fn list_alive<C: ConnectionTrait>(
    connection: &C,
    user_id: UserId,
    after: Option<SessionId>,
    size: PageSize,
    now: Timestamp,
) -> Result<Page<Session>, Error> {
    let mut found = alive(user_id, now).order_by_desc(Column::SessionId).limit(u64::from(size.get()) + 1);
    if let Some(after) = after {
        found = found.filter(Column::SessionId.lt(after.as_uuid()));
    }
    let sessions = found.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(sessions, size))
}

/// Finds the sessions of a person that go on, and keeps them as they are until the transaction ends.
pub(crate) async fn lock_alive(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<Vec<SessionId>, Error> {
    let rows = alive(user_id, now).order_by_asc(Column::SessionId).lock_for_update().all(tx).await?;
    Ok(rows.iter().map(|row| SessionId::from_uuid(row.session_id)).collect())
}

fn alive(user_id: UserId, now: Timestamp) -> Select<Entity> {
    Entity::find()
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::Ended.is_null())
        .filter(Column::IdleExpires.gt(now.as_micros()))
        .filter(Column::AbsoluteExpires.gt(now.as_micros()))
}

/// Stores the idle end of a session that was refreshed.
pub(crate) async fn note_refresh(tx: &Tx, session: &Session) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::LastUsed, Expr::value(session.last_used.as_micros()))
        .col_expr(Column::IdleExpires, Expr::value(session.idle_expires.as_micros()))
        .col_expr(Column::AbsoluteExpires, Expr::value(session.absolute_expires.as_micros()))
        .filter(Column::SessionId.eq(session.session_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Stores when and how the person of a session proved once more who it is.
pub(crate) async fn note_authentication(tx: &Tx, session: &Session) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::AuthTime, Expr::value(session.auth_time.as_micros()))
        .col_expr(Column::Methods, Expr::value(session.methods.to_text()))
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
    /// Every one.
    All,
    /// All but this one.
    AllBut(SessionId),
    /// Those begun up to this time.
    BegunBy(Timestamp),
    /// The oldest, so that this many are left, the one that begins among them.
    BeyondNewest(u64, SessionId),
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
        Which::All => alive,
        Which::AllBut(id) => alive.filter(Column::SessionId.ne(id.as_uuid())),
        Which::BegunBy(time) => alive.filter(Column::AuthTime.lte(time.as_micros())),
        Which::BeyondNewest(keep, begins) => alive
            // Others may have begun in the same moment, or the proof of who begins lie further back at its provider.
            .filter(Column::SessionId.ne(begins.as_uuid()))
            // Who acts as the person takes none of its places.
            .filter(Column::ActorId.is_null())
            .filter(Column::AbsoluteExpires.gt(now.as_micros()))
            .order_by_desc(Column::AuthTime)
            .order_by_desc(Column::SessionId)
            .offset(keep.saturating_sub(1))
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

/// Lists the sessions of a person that nobody ended.
pub(crate) async fn list_unended(tx: &Tx, user_id: UserId) -> Result<Vec<Session>, Error> {
    let unended = Entity::find().filter(Column::UserId.eq(user_id.as_uuid())).filter(Column::Ended.is_null());
    unended.all(tx).await?.iter().map(read).collect()
}

/// Ends what somebody began as others in these sessions of its own; returns which, and as whom.
pub(crate) async fn end_begun_in(
    tx: &Tx,
    sessions: &[SessionId],
    now: Timestamp,
) -> Result<Vec<(SessionId, UserId)>, Error> {
    let begun = Column::ActorSessionId.is_in(sessions.iter().map(|id| id.as_uuid()));
    let rows = Entity::find().filter(begun).filter(Column::Ended.is_null()).all(tx).await?;
    if !rows.is_empty() {
        let these = Condition::all().add(Column::SessionId.is_in(rows.iter().map(|row| row.session_id)));
        end_where(tx, these, EndReason::ActorEnded, now).await?;
    }
    Ok(rows.iter().map(|row| (SessionId::from_uuid(row.session_id), UserId::from_uuid(row.user_id))).collect())
}

/// Ends sessions by identifier, which the caller holds; those that had ended stay as they are.
pub(crate) async fn end_these(tx: &Tx, ids: &[SessionId], reason: EndReason, now: Timestamp) -> Result<(), Error> {
    let these = Condition::all().add(Column::SessionId.is_in(ids.iter().map(|id| id.as_uuid())));
    end_where(tx, these, reason, now).await.map(drop)
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

/// Reads who acts in a session.
pub(super) fn acting(actor: Option<Uuid>, session: Option<Uuid>, read_only: bool) -> Option<Acting> {
    let (actor, session_id) = (UserId::from_uuid(actor?), SessionId::from_uuid(session?));
    Some(Acting { actor, session_id, read_only })
}

fn read(row: &Model) -> Result<Session, Error> {
    Ok(Session {
        session_id: SessionId::from_uuid(row.session_id),
        user_id: UserId::from_uuid(row.user_id),
        auth_time: Timestamp::from_micros(row.auth_time),
        methods: AuthMethods::parse(&row.methods).ok_or_else(|| corrupt("session"))?,
        last_used: Timestamp::from_micros(row.last_used),
        idle_expires: Timestamp::from_micros(row.idle_expires),
        absolute_expires: Timestamp::from_micros(row.absolute_expires),
        ended: row.ended.is_some(),
        acting: acting(row.actor_id, row.actor_session_id, row.read_only),
        audience: row.audience.clone(),
    })
}
