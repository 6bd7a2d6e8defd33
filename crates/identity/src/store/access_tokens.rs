//! Personal access tokens, found by their hash.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{AccessTokenId, UserId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::corrupt;
use super::entity::access_token::{ActiveModel, Column, Entity, Model};
use crate::domain::access_token::AccessToken;

/// Inserts a token with the hash of its secret.
pub(crate) async fn insert(tx: &Tx, token: &AccessToken, hash: &[u8; 32]) -> Result<(), Error> {
    let row = ActiveModel {
        access_token_id: Set(token.access_token_id.as_uuid()),
        user_id: Set(token.user_id.as_uuid()),
        name: Set(token.name.as_str().to_owned()),
        permissions: Set(token.permissions.join(" ")),
        token_hash: Set(hash.to_vec()),
        expires: Set(token.expires.as_micros()),
        created: Set(token.created.as_micros()),
        last_used: Set(token.last_used.map(Timestamp::as_micros)),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Counts the tokens of a person that are good now.
pub(crate) async fn count(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<u64, Error> {
    let good = Entity::find().filter(Column::UserId.eq(user_id.as_uuid())).filter(Column::Expires.gt(now.as_micros()));
    Ok(good.count(tx).await?)
}

/// Finds the token with this hash that is good now.
pub(crate) async fn find_by_hash<C: ConnectionTrait>(
    connection: &C,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<AccessToken>, Error> {
    let found = Entity::find().filter(Column::TokenHash.eq(hash.to_vec())).filter(Column::Expires.gt(now.as_micros()));
    found.one(connection).await?.as_ref().map(read).transpose()
}

/// Tells whether a token exists and is good now.
pub(crate) async fn is_good<C: ConnectionTrait>(
    connection: &C,
    id: AccessTokenId,
    now: Timestamp,
) -> Result<bool, Error> {
    let found = Entity::find_by_id(id.as_uuid()).filter(Column::Expires.gt(now.as_micros()));
    Ok(found.one(connection).await?.is_some())
}

/// Lists the tokens of a person in order of creation; ended ones are left out.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    user_id: UserId,
    after: Option<AccessTokenId>,
    size: PageSize,
    now: Timestamp,
) -> Result<Page<AccessToken>, Error> {
    let mut found = Entity::find()
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::Expires.gt(now.as_micros()))
        .order_by_asc(Column::AccessTokenId)
        .limit(u64::from(size.get()) + 1);
    if let Some(after) = after {
        found = found.filter(Column::AccessTokenId.gt(after.as_uuid()));
    }
    let tokens = found.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(tokens, size))
}

/// Deletes a token of a person; `false` when it is gone or somebody else's.
pub(crate) async fn delete(tx: &Tx, id: AccessTokenId, user_id: UserId) -> Result<bool, Error> {
    let own = Entity::delete_by_id(id.as_uuid()).filter(Column::UserId.eq(user_id.as_uuid()));
    Ok(own.exec(tx).await?.rows_affected == 1)
}

/// Deletes the tokens that a person made up to a time, and returns which.
pub(crate) async fn delete_made_by(tx: &Tx, user_id: UserId, latest: Timestamp) -> Result<Vec<AccessTokenId>, Error> {
    let made =
        Entity::find().filter(Column::UserId.eq(user_id.as_uuid())).filter(Column::Created.lte(latest.as_micros()));
    let ids: Vec<_> = made.all(tx).await?.iter().map(|row| row.access_token_id).collect();
    if !ids.is_empty() {
        Entity::delete_many().filter(Column::AccessTokenId.is_in(ids.iter().copied())).exec(tx).await?;
    }
    Ok(ids.into_iter().map(AccessTokenId::from_uuid).collect())
}

/// Notes when a token was used, unless a later use is noted; nothing for one that is gone.
pub(crate) async fn note_use(tx: &Tx, id: AccessTokenId, used: Timestamp) -> Result<(), Error> {
    let earlier = Column::LastUsed.is_null().or(Column::LastUsed.lt(used.as_micros()));
    Entity::update_many()
        .col_expr(Column::LastUsed, Expr::value(used.as_micros()))
        .filter(Column::AccessTokenId.eq(id.as_uuid()))
        .filter(earlier)
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes tokens that have ended.
pub(crate) async fn sweep(tx: &Tx, expired_before: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Expires.lt(expired_before.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn read(row: &Model) -> Result<AccessToken, Error> {
    Ok(AccessToken {
        access_token_id: AccessTokenId::from_uuid(row.access_token_id),
        user_id: UserId::from_uuid(row.user_id),
        name: PersonName::parse(&row.name).map_err(|_| corrupt("access token"))?,
        permissions: row.permissions.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        expires: Timestamp::from_micros(row.expires),
        created: Timestamp::from_micros(row.created),
        last_used: row.last_used.map(Timestamp::from_micros),
    })
}
