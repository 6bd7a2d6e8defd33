//! What people want to be told.

use std::collections::{BTreeSet, HashMap};

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Timestamp;
use rolecall_templates::Locale;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Set};

use super::entity::preferences::{ActiveModel, Column, Entity, Model};
use crate::domain::category::{Category, Medium};
use crate::domain::preferences::{Digest, Preferences, Quiet, Zone};

/// The preferences of those who set some.
pub(crate) type Wishes = HashMap<SubjectId, Preferences>;

/// Reads the preferences of a person; those of everybody when it never set any.
pub(crate) async fn get<C: ConnectionTrait>(connection: &C, subject: SubjectId) -> Result<Preferences, Error> {
    let row = Entity::find_by_id(subject.as_uuid()).one(connection).await?;
    Ok(row.map(read).unwrap_or_default())
}

/// Reads the preferences of people.
pub(crate) async fn list<C: ConnectionTrait>(connection: &C, subjects: &[SubjectId]) -> Result<Wishes, Error> {
    if subjects.is_empty() {
        return Ok(Wishes::new());
    }
    let ids = subjects.iter().map(|subject| subject.as_uuid());
    let rows = Entity::find().filter(Column::SubjectId.is_in(ids)).all(connection).await?;
    Ok(rows.into_iter().map(|row| (SubjectId::from_uuid(row.subject_id), read(row))).collect())
}

/// Reads the preferences of a person and locks them, making the row when there is none.
pub(crate) async fn lock(tx: &Tx, subject: SubjectId, now: Timestamp) -> Result<Preferences, Error> {
    let fresh = row(subject, &Preferences::default(), now);
    let nothing = OnConflict::column(Column::SubjectId).do_nothing().to_owned();
    Entity::insert(fresh).on_conflict(nothing).exec_without_returning(tx).await?;
    let row = Entity::find_by_id(subject.as_uuid()).lock_for_update().one(tx).await?;
    Ok(row.map(read).unwrap_or_default())
}

/// Stores preferences that were locked.
pub(crate) async fn update(tx: &Tx, subject: SubjectId, to: &Preferences, now: Timestamp) -> Result<(), Error> {
    let changed = ActiveModel { subject_id: Set(subject.as_uuid()), ..row(subject, to, now) };
    Entity::update(changed).exec(tx).await?;
    Ok(())
}

/// Forgets the preferences of a person.
pub(crate) async fn delete(tx: &Tx, subject: SubjectId) -> Result<(), Error> {
    Entity::delete_by_id(subject.as_uuid()).exec(tx).await?;
    Ok(())
}

fn row(subject: SubjectId, preferences: &Preferences, now: Timestamp) -> ActiveModel {
    let muted = preferences.muted.iter();
    let muted: Vec<_> = muted.map(|(category, medium)| format!("{}.{}", category.as_str(), medium.as_str())).collect();
    ActiveModel {
        subject_id: Set(subject.as_uuid()),
        enabled: Set(preferences.enabled),
        muted: Set(muted.join(",")),
        locale: Set(preferences.locale.as_ref().map(|locale| locale.as_str().to_owned())),
        digest: Set(match preferences.digest {
            Digest::Off => 0,
            Digest::Daily => 1,
            Digest::Weekly => 2,
        }),
        time_zone: Set(preferences.zone.name().to_owned()),
        quiet_start: Set(preferences.quiet.map(|quiet| quiet.start)),
        quiet_end: Set(preferences.quiet.map(|quiet| quiet.end)),
        version: Set(preferences.version),
        updated: Set(preferences.updated.unwrap_or(now).as_micros()),
    }
}

fn read(row: Model) -> Preferences {
    Preferences {
        enabled: row.enabled,
        muted: muted(&row.muted),
        locale: row.locale.and_then(|text| Locale::parse(&text).ok()),
        digest: match row.digest {
            1 => Digest::Daily,
            2 => Digest::Weekly,
            _ => Digest::Off,
        },
        // A zone that a newer database of zones left out is UTC.
        zone: Zone::parse(&row.time_zone).unwrap_or_default(),
        quiet: row.quiet_start.zip(row.quiet_end).map(|(start, end)| Quiet { start, end }),
        version: row.version,
        updated: (row.version > 0).then(|| Timestamp::from_micros(row.updated)),
    }
}

fn muted(text: &str) -> BTreeSet<(Category, Medium)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('.'));
    let medium = |name: &str| Medium::ALL.into_iter().find(|medium| medium.as_str() == name);
    pairs.filter_map(|(category, name)| Category::parse(category).zip(medium(name))).collect()
}
