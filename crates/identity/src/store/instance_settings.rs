//! How the installation presents itself: one row, made at the first start.

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::InstanceId;
use rolecall_kernel::text::InstanceName;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

use super::corrupt;
use super::entity::instance_settings::{ActiveModel, Column, Entity, Model};
use crate::domain::instance_settings::{InstanceSettings, WelcomeText};

const ID: i16 = 1;

/// Makes the row, unless there is one; the identifier of the first start counts.
pub(crate) async fn insert(tx: &Tx, instance_id: InstanceId) -> Result<(), Error> {
    let row = ActiveModel { id: Set(ID), instance_id: Set(instance_id.as_uuid()), ..ActiveModel::default() };
    let nothing = OnConflict::column(Column::Id).do_nothing().to_owned();
    Entity::insert(row).on_conflict(nothing).exec_without_returning(tx).await?;
    Ok(())
}

/// Reads the settings.
pub(crate) async fn get<C: ConnectionTrait>(connection: &C) -> Result<InstanceSettings, Error> {
    read(Entity::find_by_id(ID).one(connection).await?)
}

/// Reads the settings and keeps them as they are until the transaction ends.
pub(crate) async fn lock(tx: &Tx) -> Result<InstanceSettings, Error> {
    read(Entity::find_by_id(ID).lock_for_update().one(tx).await?)
}

/// Writes changed settings, unless somebody was faster.
pub(crate) async fn update(tx: &Tx, settings: &InstanceSettings) -> Result<(), Error> {
    let row = ActiveModel {
        name: Set(settings.name.as_ref().map(|name| name.as_str().to_owned())),
        welcome_text: Set(settings.welcome_text.as_str().to_owned()),
        organization_directory: Set(settings.organization_directory),
        version: Set(settings.version),
        updated: Set(settings.updated.map(Timestamp::as_micros)),
        ..ActiveModel::default()
    };
    let query = Entity::update_many().set(row).filter(Column::Id.eq(ID));
    let done = query.filter(Column::Version.eq(settings.version - 1)).exec(tx).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}

fn read(row: Option<Model>) -> Result<InstanceSettings, Error> {
    let row = row.ok_or_else(|| DbErr::RecordNotFound("instance_settings".to_owned()))?;
    Ok(InstanceSettings {
        instance_id: InstanceId::from_uuid(row.instance_id),
        name: row.name.map(|name| InstanceName::parse(&name)).transpose().map_err(|_| corrupt("instance name"))?,
        welcome_text: WelcomeText::parse(&row.welcome_text).map_err(|_| corrupt("welcome text"))?,
        organization_directory: row.organization_directory,
        version: row.version,
        updated: row.updated.map(Timestamp::from_micros),
    })
}
