//! Password hashes.

use std::collections::HashSet;

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::entity::credential;

/// Finds the hash of a person's password.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<Option<String>, Error> {
    let row = credential::Entity::find_by_id(user_id.as_uuid()).one(connection).await?;
    Ok(row.map(|row| row.password_hash))
}

/// Tells whether the next login of a person demands a new password first.
pub(crate) async fn is_change_required<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<bool, Error> {
    let row = credential::Entity::find_by_id(user_id.as_uuid()).one(connection).await?;
    Ok(row.is_some_and(|row| row.change_required))
}

/// Returns those whose next login demands a new password first.
pub(crate) async fn find_change_required<C: ConnectionTrait>(
    connection: &C,
    ids: &[UserId],
) -> Result<HashSet<UserId>, Error> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found = credential::Entity::find()
        .filter(credential::Column::UserId.is_in(ids.iter().map(|id| id.as_uuid())))
        .filter(credential::Column::ChangeRequired.eq(true));
    Ok(found.all(connection).await?.iter().map(|row| UserId::from_uuid(row.user_id)).collect())
}

/// Inserts the hash of a person's first password.
pub(crate) async fn insert(
    tx: &Tx,
    user_id: UserId,
    hash: &str,
    change_required: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let row = credential::ActiveModel {
        user_id: Set(user_id.as_uuid()),
        password_hash: Set(hash.to_owned()),
        change_required: Set(change_required),
        changed: Set(now.as_micros()),
    };
    credential::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Replaces the hash by that of another password of the person's own choice; `false` when it changed since it was read.
pub(crate) async fn replace(tx: &Tx, user_id: UserId, old: &str, new: &str, now: Timestamp) -> Result<bool, Error> {
    let done = credential::Entity::update_many()
        .col_expr(credential::Column::PasswordHash, Expr::value(new))
        .col_expr(credential::Column::ChangeRequired, Expr::value(false))
        .col_expr(credential::Column::Changed, Expr::value(now.as_micros()))
        .filter(credential::Column::UserId.eq(user_id.as_uuid()))
        .filter(credential::Column::PasswordHash.eq(old))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Replaces the hash by another of the same password; `false` when it changed since it was read.
pub(crate) async fn rehash(tx: &Tx, user_id: UserId, old: &str, new: &str) -> Result<bool, Error> {
    let done = credential::Entity::update_many()
        .col_expr(credential::Column::PasswordHash, Expr::value(new))
        .filter(credential::Column::UserId.eq(user_id.as_uuid()))
        .filter(credential::Column::PasswordHash.eq(old))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Sets the hash whatever it was; `false` when the person has none yet.
pub(crate) async fn set(
    tx: &Tx,
    user_id: UserId,
    hash: &str,
    change_required: bool,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = credential::Entity::update_many()
        .col_expr(credential::Column::PasswordHash, Expr::value(hash))
        .col_expr(credential::Column::ChangeRequired, Expr::value(change_required))
        .col_expr(credential::Column::Changed, Expr::value(now.as_micros()))
        .filter(credential::Column::UserId.eq(user_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes the hash of a password that was set up to a time; `false` when there is none.
pub(crate) async fn delete_set_by(tx: &Tx, user_id: UserId, latest: Timestamp) -> Result<bool, Error> {
    let done = credential::Entity::delete_by_id(user_id.as_uuid())
        .filter(credential::Column::Changed.lte(latest.as_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes the hash of a person that is deleted.
pub(crate) async fn delete(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    credential::Entity::delete_by_id(user_id.as_uuid()).exec(tx).await?;
    Ok(())
}
