//! Keys of service accounts, found by their hash.

use ed25519_dalek::VerifyingKey;
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{ApiKeyId, ServiceAccountId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::api_key::{ActiveModel, Column, Entity, Model};
use super::{corrupt, digest};
use crate::domain::service_account::{ApiKey, Proof};

/// Inserts a key with the hash of its secret, or of its id where it has none.
pub(crate) async fn insert(tx: &Tx, key: &ApiKey, hash: &[u8; 32]) -> Result<(), Error> {
    let row = ActiveModel {
        api_key_id: Set(key.api_key_id.as_uuid()),
        service_account_id: Set(key.service_account_id.as_uuid()),
        key_hash: Set(hash.to_vec()),
        expires: Set(key.expires.as_micros()),
        created: Set(key.created.as_micros()),
        last_used: Set(key.last_used.map(Timestamp::as_micros)),
        public_key: Set(match key.proof {
            Proof::Secret => None,
            Proof::Signature(public) => Some(public.to_bytes().to_vec()),
        }),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds the key with this hash that is good now.
pub(crate) async fn find_by_hash<C: ConnectionTrait>(
    connection: &C,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<ApiKey>, Error> {
    let found = Entity::find().filter(Column::KeyHash.eq(hash.to_vec())).filter(Column::Expires.gt(now.as_micros()));
    found.one(connection).await?.map(read).transpose()
}

/// Finds the key with this id that is good now.
pub(crate) async fn find_good<C: ConnectionTrait>(
    connection: &C,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Option<ApiKey>, Error> {
    let found = Entity::find_by_id(id.as_uuid()).filter(Column::Expires.gt(now.as_micros()));
    found.one(connection).await?.map(read).transpose()
}

/// Finds a key; whether the caller may see it is decided by its account.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
    Entity::find_by_id(id.as_uuid()).one(connection).await?.map(read).transpose()
}

/// Lists the keys of an account in order of creation.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    account: ServiceAccountId,
    after: Option<ApiKeyId>,
    size: PageSize,
) -> Result<Page<ApiKey>, Error> {
    let mut found = Entity::find()
        .filter(Column::ServiceAccountId.eq(account.as_uuid()))
        .order_by_asc(Column::ApiKeyId)
        .limit(u64::from(size.get()) + 1);
    if let Some(after) = after {
        found = found.filter(Column::ApiKeyId.gt(after.as_uuid()));
    }
    let keys = found.all(connection).await?.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(keys, size))
}

/// Deletes a key; `false` when it is gone.
pub(crate) async fn delete(tx: &Tx, id: ApiKeyId) -> Result<bool, Error> {
    Ok(Entity::delete_by_id(id.as_uuid()).exec(tx).await?.rows_affected == 1)
}

/// Notes when a key was used, unless a later use is noted; nothing for one that is gone.
pub(crate) async fn note_use(tx: &Tx, id: ApiKeyId, used: Timestamp) -> Result<(), Error> {
    let earlier = Column::LastUsed.is_null().or(Column::LastUsed.lt(used.as_micros()));
    Entity::update_many()
        .col_expr(Column::LastUsed, Expr::value(used.as_micros()))
        .filter(Column::ApiKeyId.eq(id.as_uuid()))
        .filter(earlier)
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes keys that have ended.
pub(crate) async fn sweep(tx: &Tx, expired_before: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Expires.lt(expired_before.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn read(row: Model) -> Result<ApiKey, Error> {
    let proof = match row.public_key {
        None => Proof::Secret,
        Some(bytes) => {
            let key = VerifyingKey::from_bytes(&digest(bytes, "public key")?);
            Proof::Signature(key.map_err(|_| corrupt("public key"))?)
        }
    };
    Ok(ApiKey {
        api_key_id: ApiKeyId::from_uuid(row.api_key_id),
        service_account_id: ServiceAccountId::from_uuid(row.service_account_id),
        proof,
        expires: Timestamp::from_micros(row.expires),
        created: Timestamp::from_micros(row.created),
        last_used: row.last_used.map(Timestamp::from_micros),
    })
}
