//! Whose accounts are gone, remembered for ever: what is under way when one ends must not bring it back.
//!
//! Whoever writes what names a person [enters](enter) first, and then reads who is gone: PostgreSQL lets an end wait for
//! all who are inside, and lets nobody in until the end is committed. On SQLite a write transaction is alone anyway.

use std::collections::HashMap;

use rolecall_db::{Backend, Error, Tx};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, Set};

use super::entity::ended_subject::{ActiveModel, Column, Entity};
use crate::domain::arrival::Ended;

/// Both databases bound the values of one statement.
const IDS: usize = 10_000;

/// The subjects that are gone, and whether what names them is erased.
pub(crate) type Gone = HashMap<SubjectId, bool>;

/// Begins to write what names people; before anything else of the transaction is locked.
pub(crate) async fn enter(tx: &Tx) -> Result<(), Error> {
    lock(tx, "SELECT pg_advisory_xact_lock_shared(hashtextextended('rolecall.notification.ended', 0))").await
}

/// Begins to end accounts; before anything else of the transaction is locked.
pub(crate) async fn close(tx: &Tx) -> Result<(), Error> {
    lock(tx, "SELECT pg_advisory_xact_lock(hashtextextended('rolecall.notification.ended', 0))").await
}

async fn lock(tx: &Tx, statement: &str) -> Result<(), Error> {
    if tx.backend() == Backend::Postgres {
        tx.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Returns those of the subjects that are gone.
pub(crate) async fn list(tx: &Tx, subjects: impl IntoIterator<Item = SubjectId>) -> Result<Gone, Error> {
    let ids: Vec<_> = subjects.into_iter().map(SubjectId::as_uuid).collect();
    let mut gone = Gone::new();
    for ids in ids.chunks(IDS) {
        let rows = Entity::find().filter(Column::SubjectId.is_in(ids.iter().copied())).all(tx).await?;
        gone.extend(rows.into_iter().map(|row| (SubjectId::from_uuid(row.subject_id), row.erased)));
    }
    Ok(gone)
}

/// Remembers an end; what is erased stays so.
pub(super) async fn insert(tx: &Tx, Ended { subject, is_erased }: Ended, now: Timestamp) -> Result<(), Error> {
    let row = ActiveModel { subject_id: Set(subject.as_uuid()), erased: Set(is_erased), ended: Set(now.as_micros()) };
    let erased = Expr::col((Entity, Column::Erased)).or(Expr::value(is_erased));
    let again = OnConflict::column(Column::SubjectId).value(Column::Erased, erased).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}
