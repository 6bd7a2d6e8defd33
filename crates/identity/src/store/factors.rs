//! Second factors.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{FactorId, UserId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, Select,
};

use super::corrupt;
use super::entity::factor::{ActiveModel, Column, Entity, Model};
use crate::domain::factor::Factor;

/// Inserts a factor that waits to be confirmed, in place of every other one of the same person.
pub(crate) async fn insert_unconfirmed(tx: &Tx, factor: &Factor) -> Result<(), Error> {
    Entity::delete_many()
        .filter(Column::UserId.eq(factor.user_id.as_uuid()))
        .filter(Column::Confirmed.is_null())
        .exec(tx)
        .await?;
    let row = ActiveModel {
        factor_id: Set(factor.factor_id.as_uuid()),
        user_id: Set(factor.user_id.as_uuid()),
        name: Set(factor.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default()),
        sealed_secret: Set(factor.sealed_secret.clone()),
        confirmed: Set(None),
        expires: Set(factor.expires.as_micros()),
        last_step: Set(factor.last_step),
        last_used: Set(None),
        disabled: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a factor of a person that can be confirmed now.
pub(crate) async fn find_unconfirmed<C: ConnectionTrait>(
    connection: &C,
    user_id: UserId,
    id: FactorId,
    now: Timestamp,
) -> Result<Option<Factor>, Error> {
    let found = of_user(user_id)
        .filter(Column::FactorId.eq(id.as_uuid()))
        .filter(Column::Confirmed.is_null())
        .filter(Column::Expires.gt(now.as_micros()));
    found.one(connection).await?.map(read).transpose()
}

/// Makes a factor count, the step of its first code used; `false` when it was confirmed before.
pub(crate) async fn confirm(tx: &Tx, id: FactorId, step: i64, now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::Confirmed, Expr::value(now.as_micros()))
        .col_expr(Column::LastStep, Expr::value(step))
        .filter(Column::FactorId.eq(id.as_uuid()))
        .filter(Column::Confirmed.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Lists the confirmed factors of a person in order of creation.
pub(crate) async fn list<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<Vec<Factor>, Error> {
    let found = confirmed(user_id).order_by_asc(Column::Confirmed).order_by_asc(Column::FactorId);
    found.all(connection).await?.into_iter().map(read).collect()
}

/// Lists the confirmed factors of a person whose codes are accepted.
pub(crate) async fn list_enabled<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<Vec<Factor>, Error> {
    let found = confirmed(user_id).filter(Column::Disabled.is_null()).order_by_asc(Column::FactorId);
    found.all(connection).await?.into_iter().map(read).collect()
}

/// Counts the confirmed factors of a person, those that were switched off among them.
pub(crate) async fn count<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<usize, Error> {
    let count = confirmed(user_id).count(connection).await?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Uses a step of a factor up; `false` when it, or a later one, was used.
pub(crate) async fn use_step(tx: &Tx, id: FactorId, step: i64, now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::LastStep, Expr::value(step))
        .col_expr(Column::LastUsed, Expr::value(now.as_micros()))
        .filter(Column::FactorId.eq(id.as_uuid()))
        .filter(Column::LastStep.lt(step))
        .filter(Column::Disabled.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Switches every factor of a person off.
pub(crate) async fn disable_all(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Disabled, Expr::value(now.as_micros()))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::Confirmed.is_not_null())
        .filter(Column::Disabled.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes a confirmed factor of a person; `false` when there is none.
pub(crate) async fn delete(tx: &Tx, user_id: UserId, id: FactorId) -> Result<bool, Error> {
    let done = Entity::delete_many()
        .filter(Column::FactorId.eq(id.as_uuid()))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::Confirmed.is_not_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes every factor of a person.
pub(crate) async fn delete_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::UserId.eq(user_id.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Deletes factors that nobody can confirm any more.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    let old = Entity::delete_many().filter(Column::Confirmed.is_null()).filter(Column::Expires.lte(now.as_micros()));
    Ok(old.exec(tx).await?.rows_affected)
}

fn of_user(user_id: UserId) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(user_id.as_uuid()))
}

fn confirmed(user_id: UserId) -> Select<Entity> {
    of_user(user_id).filter(Column::Confirmed.is_not_null())
}

fn read(row: Model) -> Result<Factor, Error> {
    let name = (!row.name.is_empty()).then(|| PersonName::parse(&row.name)).transpose();
    Ok(Factor {
        factor_id: FactorId::from_uuid(row.factor_id),
        user_id: UserId::from_uuid(row.user_id),
        name: name.map_err(|_| corrupt("factor"))?,
        sealed_secret: row.sealed_secret,
        confirmed: row.confirmed.map(Timestamp::from_micros),
        expires: Timestamp::from_micros(row.expires),
        last_step: row.last_step,
        last_used: row.last_used.map(Timestamp::from_micros),
    })
}
