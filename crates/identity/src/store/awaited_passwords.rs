//! Accounts without a password that get one by a reset, when their organization has passwords again.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait as _};

use super::entity::awaited_password::{ActiveModel, Column, Entity};

/// Notes that an account has no password because its organization has none.
pub(crate) async fn note(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<(), Error> {
    let row = ActiveModel { user_id: Set(user_id.as_uuid()), since: Set(now.as_micros()) };
    let kept = OnConflict::column(Column::UserId).do_nothing().to_owned();
    Entity::insert(row).on_conflict(kept).exec_without_returning(tx).await?;
    Ok(())
}

/// Tells whether an account may get a password though it has none.
pub(crate) async fn is_noted<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<bool, Error> {
    Ok(Entity::find_by_id(user_id.as_uuid()).one(connection).await?.is_some())
}

/// Forgets an account that has a password again, or is deleted.
pub(crate) async fn delete(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::delete_by_id(user_id.as_uuid()).exec(tx).await?;
    Ok(())
}
