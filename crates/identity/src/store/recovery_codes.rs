//! Recovery codes, found by their hash.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::entity::recovery_code::{ActiveModel, Column, Entity};

/// Stores the hashes of new codes in place of all codes that the person has.
pub(crate) async fn replace(tx: &Tx, user_id: UserId, hashes: &[[u8; 32]], now: Timestamp) -> Result<(), Error> {
    delete_all(tx, user_id).await?;
    let rows = hashes.iter().map(|hash| ActiveModel {
        code_hash: Set(hash.to_vec()),
        user_id: Set(user_id.as_uuid()),
        created: Set(now.as_micros()),
        used: Set(None),
        disabled: Set(None),
    });
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// Uses a code of a person up; `false` when it has no such code, or no longer.
pub(crate) async fn use_up(tx: &Tx, user_id: UserId, hash: &[u8; 32], now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::Used, Expr::value(now.as_micros()))
        .filter(Column::CodeHash.eq(hash.to_vec()))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::Used.is_null())
        .filter(Column::Disabled.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Counts the codes of a person that can be used.
pub(crate) async fn count_left<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<u64, Error> {
    let left = Entity::find()
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::Used.is_null())
        .filter(Column::Disabled.is_null());
    Ok(left.count(connection).await?)
}

/// Switches every code of a person off.
pub(crate) async fn disable_all(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Disabled, Expr::value(now.as_micros()))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::Disabled.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes every code of a person.
pub(crate) async fn delete_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::UserId.eq(user_id.as_uuid())).exec(tx).await?;
    Ok(())
}
