//! Codes by which a device logs in that nobody knows: of each person one at most.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Select};

use super::entity::login_code::{ActiveModel, Column, Entity};

/// Finds whose code this is; `address` is the keyed hash of where it was mailed.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    hash: &[u8; 32],
    address: &[u8; 32],
    now: Timestamp,
) -> Result<Option<UserId>, Error> {
    let found = open(now).filter(Column::CodeHash.eq(hash.to_vec())).filter(Column::Address.eq(address.to_vec()));
    Ok(found.one(connection).await?.map(|row| UserId::from_uuid(row.user_id)))
}

/// Tells whether a person has a code that was mailed to this address and works.
pub(crate) async fn has_open<C: ConnectionTrait>(
    connection: &C,
    user_id: UserId,
    address: &[u8; 32],
    now: Timestamp,
) -> Result<bool, Error> {
    let of_user = open(now).filter(Column::UserId.eq(user_id.as_uuid()));
    Ok(of_user.filter(Column::Address.eq(address.to_vec())).one(connection).await?.is_some())
}

fn open(now: Timestamp) -> Select<Entity> {
    Entity::find().filter(Column::Expires.gt(now.as_micros()))
}

/// Inserts a code by its hash, in the place of the one before; the row of the account is held by the caller.
pub(crate) async fn replace(
    tx: &Tx,
    user_id: UserId,
    hash: &[u8; 32],
    address: &[u8; 32],
    expires: Timestamp,
) -> Result<(), Error> {
    end_all(tx, user_id).await?;
    let row = ActiveModel {
        user_id: Set(user_id.as_uuid()),
        code_hash: Set(hash.to_vec()),
        address: Set(address.to_vec()),
        expires: Set(expires.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Uses a code up; `false` when it cannot be used now, or no longer.
pub(crate) async fn take(tx: &Tx, hash: &[u8; 32], now: Timestamp) -> Result<bool, Error> {
    let this = Entity::delete_many().filter(Column::CodeHash.eq(hash.to_vec()));
    Ok(this.filter(Column::Expires.gt(now.as_micros())).exec(tx).await?.rows_affected == 1)
}

/// Ends the code of a person.
pub(crate) async fn end_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::delete_by_id(user_id.as_uuid()).exec(tx).await?;
    Ok(())
}

/// Deletes codes that ended.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Expires.lte(now.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}
