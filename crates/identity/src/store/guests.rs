//! Guests and their refresh tokens.

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::entity::guest::{ActiveModel, Column, Entity, Model};
use super::entity::guest_refresh_token as token;
use super::sessions::acting;
use crate::domain::guest::GuestSession;
use crate::domain::session::EndReason;

/// Inserts a guest.
pub(crate) async fn insert(tx: &Tx, guest: &GuestSession) -> Result<(), Error> {
    let row = ActiveModel {
        guest_id: Set(guest.guest_id.as_uuid()),
        organization_id: Set(guest.organization_id.as_uuid()),
        began: Set(guest.began.as_micros()),
        idle_expires: Set(guest.idle_expires.as_micros()),
        absolute_expires: Set(guest.absolute_expires.as_micros()),
        ended: Set(None),
        end_reason: Set(None),
        actor_id: Set(guest.acting.map(|acting| acting.actor.as_uuid())),
        actor_session_id: Set(guest.acting.map(|acting| acting.session_id.as_uuid())),
        read_only: Set(guest.acting.is_some_and(|acting| acting.read_only)),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a guest.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, id: SubjectId) -> Result<Option<GuestSession>, Error> {
    Ok(Entity::find_by_id(id.as_uuid()).one(connection).await?.as_ref().map(read))
}

/// Finds a guest and keeps it as it is until the transaction ends.
pub(crate) async fn lock(tx: &Tx, id: SubjectId) -> Result<Option<GuestSession>, Error> {
    Ok(Entity::find_by_id(id.as_uuid()).lock_for_update().one(tx).await?.as_ref().map(read))
}

/// Counts the strangers that look around in an organization now.
pub(crate) async fn count_alive(tx: &Tx, organization: OrganizationId, now: Timestamp) -> Result<u64, Error> {
    let alive = Entity::find()
        .filter(Column::OrganizationId.eq(organization.as_uuid()))
        .filter(Column::Ended.is_null())
        .filter(Column::IdleExpires.gt(now.as_micros()))
        .filter(Column::ActorId.is_null());
    Ok(alive.count(tx).await?)
}

/// Stores the idle end of a guest that was refreshed.
pub(crate) async fn note_refresh(tx: &Tx, guest: &GuestSession) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::IdleExpires, Expr::value(guest.idle_expires.as_micros()))
        .filter(Column::GuestId.eq(guest.guest_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Ends a guest; `false` when it had ended.
pub(crate) async fn end(tx: &Tx, id: SubjectId, reason: EndReason, now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::Ended, Expr::value(now.as_micros()))
        .col_expr(Column::EndReason, Expr::value(reason.as_str()))
        .filter(Column::GuestId.eq(id.as_uuid()))
        .filter(Column::Ended.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends the guests as whom somebody acted in these sessions of its own; returns them.
pub(crate) async fn end_begun_in(tx: &Tx, sessions: &[SessionId], now: Timestamp) -> Result<Vec<GuestSession>, Error> {
    let begun = Column::ActorSessionId.is_in(sessions.iter().map(|id| id.as_uuid()));
    let guests: Vec<GuestSession> =
        Entity::find().filter(begun).filter(Column::Ended.is_null()).all(tx).await?.iter().map(read).collect();
    for guest in &guests {
        end(tx, guest.guest_id, EndReason::ActorEnded, now).await?;
    }
    Ok(guests)
}

/// Deletes guests, and with them their refresh tokens, that nobody can use or reuse any more.
pub(crate) async fn sweep(tx: &Tx, expired_before: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::AbsoluteExpires.lt(expired_before.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

/// What is stored of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredToken {
    /// The guest that it belongs to.
    pub(crate) guest_id: SubjectId,
    /// How many tokens of the guest came before it.
    pub(crate) generation: i64,
    /// When it was used.
    pub(crate) used_at: Option<Timestamp>,
}

/// Inserts an unused refresh token.
pub(crate) async fn insert_token(tx: &Tx, hash: &[u8; 32], guest: SubjectId, generation: i64) -> Result<(), Error> {
    let row = token::ActiveModel {
        token_hash: Set(hash.to_vec()),
        guest_id: Set(guest.as_uuid()),
        generation: Set(generation),
        used_at: Set(None),
    };
    token::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a refresh token by its hash.
pub(crate) async fn find_token<C: ConnectionTrait>(
    connection: &C,
    hash: &[u8; 32],
) -> Result<Option<StoredToken>, Error> {
    let row = token::Entity::find_by_id(hash.to_vec()).one(connection).await?;
    Ok(row.map(|row| StoredToken {
        guest_id: SubjectId::from_uuid(row.guest_id),
        generation: row.generation,
        used_at: row.used_at.map(Timestamp::from_micros),
    }))
}

/// Uses a refresh token up; of any number of concurrent calls exactly one gets `true`.
pub(crate) async fn use_up_token(tx: &Tx, hash: &[u8; 32], now: Timestamp) -> Result<bool, Error> {
    let done = token::Entity::update_many()
        .col_expr(token::Column::UsedAt, Expr::value(now.as_micros()))
        .filter(token::Column::TokenHash.eq(hash.to_vec()))
        .filter(token::Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

fn read(row: &Model) -> GuestSession {
    GuestSession {
        guest_id: SubjectId::from_uuid(row.guest_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        began: Timestamp::from_micros(row.began),
        idle_expires: Timestamp::from_micros(row.idle_expires),
        absolute_expires: Timestamp::from_micros(row.absolute_expires),
        ended: row.ended.is_some(),
        acting: acting(row.actor_id, row.actor_session_id, row.read_only),
    }
}
