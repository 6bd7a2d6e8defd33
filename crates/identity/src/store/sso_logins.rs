//! Logins whose persons are at their providers, found by the hash of their token.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{IdentityProviderId, UserId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::entity::sso_login::{ActiveModel, Column, Entity, Model};
use crate::domain::sso::PendingLogin;

/// Inserts a login by the hashes of its token and of its state.
pub(crate) async fn insert(
    tx: &Tx,
    login: &PendingLogin,
    token_hash: &[u8; 32],
    state_hash: &[u8; 32],
) -> Result<(), Error> {
    let row = ActiveModel {
        token_hash: Set(token_hash.to_vec()),
        state_hash: Set(state_hash.to_vec()),
        identity_provider_id: Set(login.identity_provider_id.as_uuid()),
        provider_version: Set(login.provider_version),
        user_id: Set(login.user_id.map(UserId::as_uuid)),
        sealed: Set(login.sealed.clone()),
        audience: Set(login.audience.clone()),
        began: Set(login.began.as_micros()),
        expires: Set(login.expires.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a login by the hash of its state.
pub(crate) async fn find_by_state<C: ConnectionTrait>(
    connection: &C,
    state_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<PendingLogin>, Error> {
    let found = Entity::find().filter(Column::StateHash.eq(state_hash.to_vec()));
    Ok(found.filter(Column::Expires.gt(now.as_micros())).one(connection).await?.map(read))
}

/// Takes a login: whatever becomes of it, nobody else gets it.
pub(crate) async fn take(tx: &Tx, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<PendingLogin>, Error> {
    let Some(row) = Entity::find_by_id(token_hash.to_vec()).one(tx).await? else {
        return Ok(None);
    };
    let taken = Entity::delete_by_id(token_hash.to_vec()).filter(Column::Expires.gt(now.as_micros())).exec(tx).await?;
    Ok((taken.rows_affected == 1).then(|| read(row)))
}

/// Ends the logins that are under way at a provider.
pub(crate) async fn end_of_provider(tx: &Tx, id: IdentityProviderId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::IdentityProviderId.eq(id.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Deletes logins that nobody can complete any more.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    Ok(Entity::delete_many().filter(Column::Expires.lte(now.as_micros())).exec(tx).await?.rows_affected)
}

fn read(row: Model) -> PendingLogin {
    PendingLogin {
        identity_provider_id: IdentityProviderId::from_uuid(row.identity_provider_id),
        provider_version: row.provider_version,
        user_id: row.user_id.map(UserId::from_uuid),
        sealed: row.sealed,
        audience: row.audience,
        began: Timestamp::from_micros(row.began),
        expires: Timestamp::from_micros(row.expires),
    }
}
