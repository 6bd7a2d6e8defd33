//! Refresh tokens, found by their hash.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::SessionId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::entity::refresh_token::{ActiveModel, Column, Entity};

/// What is stored of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The session that it belongs to.
    pub(crate) session_id: SessionId,
    /// How many tokens of the session came before it.
    pub(crate) generation: i64,
    /// When it was used.
    pub(crate) used_at: Option<Timestamp>,
}

/// Inserts an unused token.
pub(crate) async fn insert(tx: &Tx, hash: &[u8; 32], session_id: SessionId, generation: i64) -> Result<(), Error> {
    let row = ActiveModel {
        token_hash: Set(hash.to_vec()),
        session_id: Set(session_id.as_uuid()),
        generation: Set(generation),
        used_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a token by its hash.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, hash: &[u8; 32]) -> Result<Option<Stored>, Error> {
    let row = Entity::find_by_id(hash.to_vec()).one(connection).await?;
    Ok(row.map(|row| Stored {
        session_id: SessionId::from_uuid(row.session_id),
        generation: row.generation,
        used_at: row.used_at.map(Timestamp::from_micros),
    }))
}

/// Uses a token up; of any number of concurrent calls exactly one gets `true`.
pub(crate) async fn use_up(tx: &Tx, hash: &[u8; 32], now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now.as_micros()))
        .filter(Column::TokenHash.eq(hash.to_vec()))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}
