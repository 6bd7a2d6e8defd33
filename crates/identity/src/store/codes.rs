//! One-time codes, found by their hash.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::UserId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::entity::one_time_code::{ActiveModel, Column, Entity, Model};
use super::{corrupt, digest};
use crate::domain::code::{Code, Purpose};

const OPEN: &str = "OPEN";
const USED: &str = "USED";
const REPLACED: &str = "REPLACED";
const VOID: &str = "VOID";

/// Inserts a code by its hash and ends the older one of the same person and purpose.
///
/// The row of the account is held by the caller, so that of parallel ones the last is left.
pub(crate) async fn insert(tx: &Tx, code: &Code, hash: &[u8; 32], now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(REPLACED))
        .filter(Column::UserId.eq(code.user_id.as_uuid()))
        .filter(Column::Purpose.eq(code.purpose.as_str()))
        .filter(Column::State.eq(OPEN))
        .exec(tx)
        .await?;
    let row = ActiveModel {
        code_hash: Set(hash.to_vec()),
        user_id: Set(code.user_id.as_uuid()),
        purpose: Set(code.purpose.as_str().to_owned()),
        state: Set(OPEN.to_owned()),
        email: Set(code.email.as_ref().map(|email| email.as_str().to_owned())),
        roles: Set(code.roles.to_vec()),
        created: Set(now.as_micros()),
        expires: Set(code.expires.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a code of this purpose that can be used now.
pub(crate) async fn find_open<C: ConnectionTrait>(
    connection: &C,
    hash: &[u8; 32],
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Code>, Error> {
    let found = Entity::find_by_id(hash.to_vec())
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::State.eq(OPEN))
        .filter(Column::Expires.gt(now.as_micros()));
    found.one(connection).await?.map(read).transpose()
}

/// Uses a code up; `false` when it cannot be used now, or no longer.
pub(crate) async fn take(tx: &Tx, hash: &[u8; 32], purpose: Purpose, now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(USED))
        .filter(Column::CodeHash.eq(hash.to_vec()))
        .filter(Column::Purpose.eq(purpose.as_str()))
        .filter(Column::State.eq(OPEN))
        .filter(Column::Expires.gt(now.as_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends every open code of a person: belongs to each change of its password, address or roles, and to its deletion.
///
/// An invitation is not among them: `invitations::replace_pending` ends that.
pub(crate) async fn end_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    end_made_by(tx, user_id, Timestamp::from_micros(i64::MAX)).await
}

/// Ends the open codes that were made for a person up to a time; see [`end_all`].
pub(crate) async fn end_made_by(tx: &Tx, user_id: UserId, latest: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(VOID))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::State.eq(OPEN))
        .filter(Column::Created.lte(latest.as_micros()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes codes that ended long ago.
pub(crate) async fn sweep(tx: &Tx, expired_before: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Expires.lt(expired_before.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn read(row: Model) -> Result<Code, Error> {
    let broken = || corrupt("one-time code");
    let email = row.email.map(|email| EmailAddress::parse(&email)).transpose();
    Ok(Code {
        user_id: UserId::from_uuid(row.user_id),
        purpose: Purpose::parse(&row.purpose).ok_or_else(broken)?,
        email: email.map_err(|_| broken())?,
        roles: digest(row.roles, "one-time code")?,
        expires: Timestamp::from_micros(row.expires),
    })
}
