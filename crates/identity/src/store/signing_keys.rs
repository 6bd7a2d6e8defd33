//! Keys that sign access tokens.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::KeyId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::digest;
use super::entity::signing_key::{ActiveModel, Column, Entity};

/// A key; its private half opens only with the master key.
#[derive(Clone)]
pub(crate) struct SigningKey {
    /// Identifier, the `kid` of tokens.
    pub(crate) key_id: KeyId,
    /// The public half.
    pub(crate) public: [u8; 32],
    /// The private half, sealed, bound to the identifier.
    pub(crate) sealed_private: Vec<u8>,
    /// From when it signs.
    pub(crate) active_from: Timestamp,
    /// From when it neither signs nor verifies.
    pub(crate) retired_at: Option<Timestamp>,
}

/// Inserts a key.
pub(crate) async fn insert(tx: &Tx, key: &SigningKey) -> Result<(), Error> {
    let row = ActiveModel {
        key_id: Set(key.key_id.as_uuid()),
        public_key: Set(key.public.to_vec()),
        sealed_private_key: Set(key.sealed_private.clone()),
        active_from: Set(key.active_from.as_micros()),
        retired_at: Set(key.retired_at.map(Timestamp::as_micros)),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Lists all keys, oldest first.
pub(crate) async fn list<C: ConnectionTrait>(connection: &C) -> Result<Vec<SigningKey>, Error> {
    let rows = Entity::find().order_by_asc(Column::ActiveFrom).order_by_asc(Column::KeyId).all(connection).await?;
    let read = |row: super::entity::signing_key::Model| {
        Ok(SigningKey {
            key_id: KeyId::from_uuid(row.key_id),
            public: digest(row.public_key, "signing key")?,
            sealed_private: row.sealed_private_key,
            active_from: Timestamp::from_micros(row.active_from),
            retired_at: row.retired_at.map(Timestamp::from_micros),
        })
    };
    rows.into_iter().map(read).collect()
}

/// Lets all keys but one end at a time, unless they end earlier.
pub(crate) async fn retire_others(tx: &Tx, kept: KeyId, at: Timestamp) -> Result<(), Error> {
    let later = Column::RetiredAt.is_null().or(Column::RetiredAt.gt(at.as_micros()));
    Entity::update_many()
        .col_expr(Column::RetiredAt, Expr::value(at.as_micros()))
        .filter(Column::KeyId.ne(kept.as_uuid()))
        .filter(later)
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes keys that have ended; nothing that they signed is good any more.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::RetiredAt.lte(now.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}
