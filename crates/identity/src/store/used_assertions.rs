//! Assertions of programs that were used: each counts once.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::ApiKeyId;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::used_assertion::{ActiveModel, Column, Entity};

/// Notes that an assertion of the key is used, until no verifier would take it anyway; `false` when it was used before.
pub(crate) async fn insert(tx: &Tx, key: ApiKeyId, jti_hash: &[u8; 32], forgotten: Timestamp) -> Result<bool, Error> {
    let row = ActiveModel {
        api_key_id: Set(key.as_uuid()),
        jti_hash: Set(jti_hash.to_vec()),
        forgotten: Set(forgotten.as_micros()),
    };
    let kept = OnConflict::columns([Column::ApiKeyId, Column::JtiHash]).do_nothing().to_owned();
    let inserted = Entity::insert(row).on_conflict(kept).exec_without_returning(tx).await?;
    Ok(inserted == 1)
}

/// Forgets what has ended by itself.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Forgotten.lt(now.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}
