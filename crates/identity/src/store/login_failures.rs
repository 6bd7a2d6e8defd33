//! Failed logins in a row.

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::login_failure::{ActiveModel, Column, Entity, Model};
use crate::domain::throttle::Failures;

/// Reads the failures of a subject and keeps them until the transaction ends, so that tries are judged one by one.
pub(crate) async fn lock(tx: &Tx, subject: &[u8; 32]) -> Result<Failures, Error> {
    let row = Entity::find_by_id(subject.to_vec()).lock_for_update().one(tx).await?;
    Ok(row.as_ref().map_or(Failures::NONE, read))
}

/// The same, with a row made where there is none, so that first failures are judged one by one too.
pub(crate) async fn lock_or_insert(tx: &Tx, subject: &[u8; 32], now: Timestamp) -> Result<Failures, Error> {
    let row = ActiveModel {
        subject: Set(subject.to_vec()),
        failures: Set(0),
        next_allowed: Set(0),
        updated: Set(now.as_micros()),
    };
    let nothing = OnConflict::column(Column::Subject).do_nothing().to_owned();
    Entity::insert(row).on_conflict(nothing).exec_without_returning(tx).await?;
    lock(tx, subject).await
}

/// Stores the failures of a subject.
pub(crate) async fn update(tx: &Tx, subject: &[u8; 32], failures: Failures, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Failures, Expr::value(failures.count))
        .col_expr(Column::NextAllowed, Expr::value(failures.next_allowed.as_micros()))
        .col_expr(Column::Updated, Expr::value(now.as_micros()))
        .filter(Column::Subject.eq(subject.to_vec()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets the failures of a subject that succeeded.
pub(crate) async fn delete(tx: &Tx, subject: &[u8; 32]) -> Result<(), Error> {
    Entity::delete_by_id(subject.to_vec()).exec(tx).await?;
    Ok(())
}

/// Deletes failures that nobody has added to for long.
pub(crate) async fn sweep(tx: &Tx, updated_before: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Updated.lt(updated_before.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn read(row: &Model) -> Failures {
    Failures { count: row.failures, next_allowed: Timestamp::from_micros(row.next_allowed) }
}
