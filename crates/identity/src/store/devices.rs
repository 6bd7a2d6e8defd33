//! Devices that logged in before, found by the hash of their token.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::device::{ActiveModel, Column, Entity};
use crate::domain::device::LIFETIME;

/// Finds whose device this is, if it is still known.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<UserId>, Error> {
    let found = Entity::find_by_id(hash.to_vec()).filter(Column::Expires.gt(now.as_micros()));
    Ok(found.one(connection).await?.map(|row| UserId::from_uuid(row.user_id)))
}

/// Inserts a device by the hash of its token; those beyond the newest `most` give way.
pub(crate) async fn insert(tx: &Tx, hash: &[u8; 32], user_id: UserId, most: u64, now: Timestamp) -> Result<(), Error> {
    let row = ActiveModel {
        token_hash: Set(hash.to_vec()),
        user_id: Set(user_id.as_uuid()),
        created: Set(now.as_micros()),
        last_used: Set(now.as_micros()),
        expires: Set(now.plus(LIFETIME).as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    let of_user = Entity::find().filter(Column::UserId.eq(user_id.as_uuid()));
    let newest = of_user.order_by_desc(Column::LastUsed).order_by_desc(Column::TokenHash);
    // SQLite takes no OFFSET without a LIMIT.
    let beyond = newest.offset(most).limit(1_000).all(tx).await?;
    if !beyond.is_empty() {
        let hashes = beyond.into_iter().map(|row| row.token_hash);
        Entity::delete_many().filter(Column::TokenHash.is_in(hashes)).exec(tx).await?;
    }
    Ok(())
}

/// Notes that a device logged in once more; `false` when it is no longer known.
pub(crate) async fn renew(tx: &Tx, hash: &[u8; 32], user_id: UserId, now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::LastUsed, Expr::value(now.as_micros()))
        .col_expr(Column::Expires, Expr::value(now.plus(LIFETIME).as_micros()))
        .filter(Column::TokenHash.eq(hash.to_vec()))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Forgets a device.
pub(crate) async fn delete(tx: &Tx, hash: &[u8; 32]) -> Result<(), Error> {
    Entity::delete_by_id(hash.to_vec()).exec(tx).await?;
    Ok(())
}

/// Forgets every device of a person.
pub(crate) async fn end_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::UserId.eq(user_id.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Deletes devices that are no longer known.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Expires.lte(now.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}
