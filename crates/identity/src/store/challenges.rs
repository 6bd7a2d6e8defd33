//! Logins that are under way, found by the hash of their token.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{FactorId, UserId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::entity::challenge::{ActiveModel, Column, Entity, Model};
use super::entity::credential;
use super::{corrupt, digest, factors};
use crate::domain::challenge::{Challenge, Standing};
use crate::domain::device::Carried;
use crate::domain::session::AuthMethods;

/// Inserts a challenge by the hash of its token.
pub(crate) async fn insert(tx: &Tx, challenge: &Challenge, hash: &[u8; 32]) -> Result<(), Error> {
    let row = ActiveModel {
        token_hash: Set(hash.to_vec()),
        user_id: Set(challenge.user_id.as_uuid()),
        credential: Set(challenge.credential.to_vec()),
        methods: Set(challenge.methods.to_text()),
        change_due: Set(challenge.change_due),
        factor_id: Set(challenge.factor_id.map(FactorId::as_uuid)),
        expires: Set(challenge.expires.as_micros()),
        device: Set(challenge.carried.device.map(|hash| hash.to_vec())),
        counted: Set(Some(challenge.carried.counted.as_flattened().to_vec())),
        audience: Set(challenge.carried.audience.clone()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a challenge that can be answered now.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Challenge>, Error> {
    let found = Entity::find_by_id(hash.to_vec()).filter(Column::Expires.gt(now.as_micros()));
    found.one(connection).await?.map(read).transpose()
}

/// Reads what is known of a person now.
pub(crate) async fn standing<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<Standing, Error> {
    let credential = credential::Entity::find_by_id(user_id.as_uuid()).one(connection).await?;
    Ok(Standing {
        change_required: credential.as_ref().is_some_and(|row| row.change_required),
        password_hash: credential.map(|row| row.password_hash),
        has_factor: factors::count(connection, user_id).await? > 0,
    })
}

/// Notes which factor is being set up.
pub(crate) async fn note_factor(tx: &Tx, hash: &[u8; 32], id: FactorId) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::FactorId, Expr::value(id.as_uuid()))
        .filter(Column::TokenHash.eq(hash.to_vec()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends a challenge; `false` when it had ended.
pub(crate) async fn take(tx: &Tx, hash: &[u8; 32], now: Timestamp) -> Result<bool, Error> {
    let done =
        Entity::delete_many().filter(Column::TokenHash.eq(hash.to_vec())).filter(Column::Expires.gt(now.as_micros()));
    Ok(done.exec(tx).await?.rows_affected == 1)
}

/// Ends every challenge of a person, because what it would prove has changed.
pub(crate) async fn end_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::UserId.eq(user_id.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Deletes challenges that nobody can answer any more.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Expires.lte(now.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn read(row: Model) -> Result<Challenge, Error> {
    let counted = row.counted.unwrap_or_default();
    let (counted, []) = counted.as_chunks::<32>() else { return Err(corrupt("challenge")) };
    let counted = counted.to_vec();
    let device = row.device.map(|hash| digest(hash, "challenge")).transpose()?;
    Ok(Challenge {
        carried: Carried { device, counted, audience: row.audience },
        user_id: UserId::from_uuid(row.user_id),
        credential: digest(row.credential, "challenge")?,
        methods: AuthMethods::parse(&row.methods).ok_or_else(|| corrupt("challenge"))?,
        change_due: row.change_due,
        factor_id: row.factor_id.map(FactorId::from_uuid),
        expires: Timestamp::from_micros(row.expires),
    })
}
