//! The installation: one row.

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::entity::instance::{ActiveModel, Column, Entity, Model};
use super::{corrupt, digest};
use crate::domain::bootstrap::{Instance, Stage};

const ID: i16 = 1;
const FRESH: &str = "FRESH";
const CLAIMED: &str = "CLAIMED";
const DONE: &str = "DONE";

/// Makes the row; `false` when there was one. The first replica's setup secret counts.
pub(crate) async fn insert(tx: &Tx, secret: &[u8; 32], now: Timestamp) -> Result<bool, Error> {
    let row = ActiveModel {
        id: Set(ID),
        stage: Set(FRESH.to_owned()),
        setup_secret_hash: Set(Some(secret.to_vec())),
        fingerprint: Set(None),
        user_id: Set(None),
        organization_id: Set(None),
        created: Set(now.as_micros()),
    };
    let nothing = OnConflict::column(Column::Id).do_nothing().to_owned();
    Ok(Entity::insert(row).on_conflict(nothing).exec_without_returning(tx).await? == 1)
}

/// Reads the installation.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C) -> Result<Option<Instance>, Error> {
    Entity::find_by_id(ID).one(connection).await?.map(read).transpose()
}

/// Finds the organization that the installation began with.
pub(crate) async fn find_home<C: ConnectionTrait>(connection: &C) -> Result<Option<OrganizationId>, Error> {
    let row = Entity::find_by_id(ID).filter(Column::Stage.eq(DONE)).one(connection).await?;
    Ok(row.and_then(|row| row.organization_id).map(OrganizationId::from_uuid))
}

/// Reads the installation and keeps it as it is until the transaction ends.
pub(crate) async fn lock(tx: &Tx) -> Result<Option<Instance>, Error> {
    Entity::find_by_id(ID).lock_for_update().one(tx).await?.map(read).transpose()
}

/// Stores what a bootstrap was begun with.
pub(crate) async fn claim(
    tx: &Tx,
    content: &[u8; 32],
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Stage, Expr::value(CLAIMED))
        .col_expr(Column::Fingerprint, Expr::value(content.to_vec()))
        .col_expr(Column::UserId, Expr::value(user_id.as_uuid()))
        .col_expr(Column::OrganizationId, Expr::value(organization_id.as_uuid()))
        .filter(Column::Id.eq(ID))
        .filter(Column::Stage.eq(FRESH))
        .exec(tx)
        .await?;
    Ok(())
}

/// Ends the bootstrap for ever and forgets what only its repeats needed; `false` when it had ended.
pub(crate) async fn complete(tx: &Tx) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::Stage, Expr::value(DONE))
        .col_expr(Column::SetupSecretHash, Expr::value(Option::<Vec<u8>>::None))
        .col_expr(Column::Fingerprint, Expr::value(Option::<Vec<u8>>::None))
        .filter(Column::Id.eq(ID))
        .filter(Column::Stage.eq(CLAIMED))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Replaces the setup secret; `false` when the bootstrap is done.
pub(crate) async fn renew_secret(tx: &Tx, secret: &[u8; 32]) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::SetupSecretHash, Expr::value(secret.to_vec()))
        .filter(Column::Id.eq(ID))
        .filter(Column::Stage.ne(DONE))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

fn read(row: Model) -> Result<Instance, Error> {
    let stage = match (row.stage.as_str(), row.fingerprint, row.user_id, row.organization_id) {
        (FRESH, ..) => Stage::Fresh,
        (DONE, ..) => Stage::Done,
        (CLAIMED, Some(fingerprint), Some(user_id), Some(organization_id)) => Stage::Claimed {
            fingerprint: digest(fingerprint, "bootstrap")?,
            user_id: UserId::from_uuid(user_id),
            organization_id: OrganizationId::from_uuid(organization_id),
        },
        _ => return Err(corrupt("bootstrap")),
    };
    let setup_secret_hash = row.setup_secret_hash.map(|hash| digest(hash, "setup secret")).transpose()?;
    Ok(Instance { stage, setup_secret_hash })
}
