//! Password hashes.

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

/// Inserts the hash of a person's first password.
pub(crate) async fn insert(tx: &Tx, user_id: UserId, hash: &str, now: Timestamp) -> Result<(), Error> {
    let row = credential::ActiveModel {
        user_id: Set(user_id.as_uuid()),
        password_hash: Set(hash.to_owned()),
        changed: Set(now.as_micros()),
    };
    credential::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Replaces a hash by another; `false` when it changed since it was read.
pub(crate) async fn replace(tx: &Tx, user_id: UserId, old: &str, new: &str, now: Timestamp) -> Result<bool, Error> {
    let done = credential::Entity::update_many()
        .col_expr(credential::Column::PasswordHash, Expr::value(new))
        .col_expr(credential::Column::Changed, Expr::value(now.as_micros()))
        .filter(credential::Column::UserId.eq(user_id.as_uuid()))
        .filter(credential::Column::PasswordHash.eq(old))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}
