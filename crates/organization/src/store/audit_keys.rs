//! The keys under which the audit log seals what it tells of a subject.

use std::collections::HashMap;

use rolecall_db::{Error, Tx};
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use super::entity::audit_subject_key::{ActiveModel, Column, Entity};

/// What is known of a subject's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredKey {
    /// It is sealed under the master key.
    Sealed(Vec<u8>),
    /// It was erased.
    Erased,
}

/// Returns the keys of subjects that have or had one.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    subjects: &[Uuid],
) -> Result<HashMap<Uuid, StoredKey>, Error> {
    if subjects.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = Entity::find().filter(Column::SubjectId.is_in(subjects.iter().copied())).all(connection).await?;
    let key = |sealed: Option<Vec<u8>>| sealed.map_or(StoredKey::Erased, StoredKey::Sealed);
    Ok(rows.into_iter().map(|row| (row.subject_id, key(row.sealed_key))).collect())
}

/// Adds keys for subjects that never had one.
pub(crate) async fn insert_new(tx: &Tx, keys: Vec<(Uuid, Vec<u8>)>) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let row = |(subject, key)| ActiveModel { subject_id: Set(subject), sealed_key: Set(Some(key)), erased: Set(None) };
    let known = OnConflict::column(Column::SubjectId).do_nothing().to_owned();
    Entity::insert_many(keys.into_iter().map(row)).on_conflict(known).exec_without_returning(tx).await?;
    Ok(())
}

/// Erases the key of a subject for ever: it never gets another.
pub(crate) async fn erase(tx: &Tx, subject: Uuid, now: Timestamp) -> Result<(), Error> {
    let row = ActiveModel { subject_id: Set(subject), sealed_key: Set(None), erased: Set(Some(now.as_micros())) };
    let known = OnConflict::column(Column::SubjectId).update_columns([Column::SealedKey, Column::Erased]).to_owned();
    Entity::insert(row).on_conflict(known).exec_without_returning(tx).await?;
    Ok(())
}
