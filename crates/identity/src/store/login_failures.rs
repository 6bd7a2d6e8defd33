//! Failed logins in a row.

use std::collections::BTreeMap;

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::digest;
use super::entity::login_failure::{ActiveModel, Column, Entity, Model};
use crate::domain::throttle::Failures;

/// A subject: a keyed hash of what failures are counted of.
pub(crate) type Subject = [u8; 32];

/// Reads the failures of a subject as they are now.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, subject: &Subject) -> Result<Failures, Error> {
    let row = Entity::find_by_id(subject.to_vec()).one(connection).await?;
    Ok(row.as_ref().map_or(Failures::NONE, read))
}

/// Reads the failures of subjects and keeps them until the transaction ends, so that tries are judged one by one.
///
/// Rows are taken in the order of their keys, so that nobody waits in a circle; a subject without a row is left out.
pub(crate) async fn lock(tx: &Tx, subjects: &[Subject]) -> Result<BTreeMap<Subject, Failures>, Error> {
    let chosen = Entity::find().filter(Column::Subject.is_in(subjects.iter().map(|subject| subject.to_vec())));
    let rows = chosen.order_by_asc(Column::Subject).lock_for_update().all(tx).await?;
    let read = |row: Model| Ok((digest(row.subject.clone(), "login failure")?, read(&row)));
    rows.into_iter().map(read).collect()
}

/// The same, with rows made where there are none, so that first failures are judged one by one too.
pub(crate) async fn lock_or_insert(
    tx: &Tx,
    subjects: &[Subject],
    now: Timestamp,
) -> Result<BTreeMap<Subject, Failures>, Error> {
    let mut sorted = subjects.to_vec();
    sorted.sort_unstable();
    let rows = sorted.iter().map(|subject| ActiveModel {
        subject: Set(subject.to_vec()),
        failures: Set(0),
        next_allowed: Set(0),
        updated: Set(now.as_micros()),
    });
    let nothing = OnConflict::column(Column::Subject).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(nothing).exec_without_returning(tx).await?;
    lock(tx, subjects).await
}

/// Stores the failures of a subject.
pub(crate) async fn update(tx: &Tx, subject: &Subject, failures: Failures, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Failures, Expr::value(failures.count))
        .col_expr(Column::NextAllowed, Expr::value(failures.next_allowed.as_micros()))
        .col_expr(Column::Updated, Expr::value(now.as_micros()))
        .filter(Column::Subject.eq(subject.to_vec()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets the failures of subjects that succeeded.
pub(crate) async fn delete(tx: &Tx, subjects: impl IntoIterator<Item = Subject>) -> Result<(), Error> {
    let subjects: Vec<_> = subjects.into_iter().map(|subject| subject.to_vec()).collect();
    Entity::delete_many().filter(Column::Subject.is_in(subjects)).exec(tx).await?;
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
