//! Registrations, found by the hash of their code or by their address.

use std::fmt;

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, RegistrationId, UserId};
use rolecall_kernel::text::{EmailAddress, Institution, PersonName, TextError, Website};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, Select};

use super::corrupt;
use super::entity::registration::{ActiveModel, Column, Entity, Model};
use super::users::optional;
use crate::domain::registration::Registration;
use crate::domain::user::Profile;

/// A registration that can be verified, and the hash of the password that came with it.
#[derive(Clone)]
pub(crate) struct Open {
    /// The registration.
    pub(crate) registration: Registration,
    /// The hash of the password that whoever registered chose.
    pub(crate) password_hash: String,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Open({:?}, redacted)", self.registration.registration_id)
    }
}

/// Inserts a registration with the hash of its code, in place of what was said of the address before.
///
/// The mail budget of the address is held by the caller, so that of parallel ones the last is left.
pub(crate) async fn replace(tx: &Tx, open: &Open, code: &[u8; 32], now: Timestamp) -> Result<(), Error> {
    let registration = &open.registration;
    let email_key = registration.email.key();
    Entity::delete_many().filter(Column::EmailKey.eq(email_key)).exec(tx).await?;
    let profile = &registration.profile;
    let row = ActiveModel {
        registration_id: Set(registration.registration_id.as_uuid()),
        organization_id: Set(registration.organization_id.as_uuid()),
        email: Set(registration.email.as_str().to_owned()),
        email_key: Set(email_key.to_owned()),
        name: Set(profile.name.as_str().to_owned()),
        given_name: Set(text(profile.given_name.as_ref().map(PersonName::as_str))),
        family_name: Set(text(profile.family_name.as_ref().map(PersonName::as_str))),
        institution: Set(text(profile.institution.as_ref().map(Institution::as_str))),
        website: Set(text(profile.website.as_ref().map(Website::as_str))),
        password_hash: Set(open.password_hash.clone()),
        code_hash: Set(code.to_vec()),
        claimed_user_id: Set(None),
        created: Set(now.as_micros()),
        expires: Set(registration.expires.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a registration that can be verified now.
pub(crate) async fn find_open<C: ConnectionTrait>(
    connection: &C,
    code: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Open>, Error> {
    let found = Entity::find()
        .filter(Column::CodeHash.eq(code.to_vec()))
        .filter(Column::ClaimedUserId.is_null())
        .filter(Column::Expires.gt(now.as_micros()));
    found.one(connection).await?.map(read).transpose()
}

/// Finds what waits for the proof of an address.
pub(crate) async fn find_by_email<C: ConnectionTrait>(
    connection: &C,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<Open>, Error> {
    waiting(email, now).one(connection).await?.map(read).transpose()
}

/// Finds what waits for the proof of an address, and keeps it as it is until the transaction ends.
pub(crate) async fn lock_by_email(tx: &Tx, email: &EmailAddress, now: Timestamp) -> Result<Option<Open>, Error> {
    waiting(email, now).lock_for_update().one(tx).await?.map(read).transpose()
}

fn waiting(email: &EmailAddress, now: Timestamp) -> Select<Entity> {
    Entity::find()
        .filter(Column::EmailKey.eq(email.key()))
        .filter(Column::ClaimedUserId.is_null())
        .filter(Column::Expires.gt(now.as_micros()))
}

/// Gives a registration another code, which ends the one before.
pub(crate) async fn renew(tx: &Tx, registration: &Registration, code: &[u8; 32]) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::CodeHash, Expr::value(code.to_vec()))
        .col_expr(Column::Expires, Expr::value(registration.expires.as_micros()))
        .filter(Column::RegistrationId.eq(registration.registration_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Claims a code that is good now for the account that it makes; `false` when it is not, or no longer.
pub(crate) async fn claim(tx: &Tx, code: &[u8; 32], user_id: UserId, now: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::ClaimedUserId, Expr::value(user_id.as_uuid()))
        .filter(Column::CodeHash.eq(code.to_vec()))
        .filter(Column::ClaimedUserId.is_null())
        .filter(Column::Expires.gt(now.as_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Opens a registration again whose account was not made; one that was replaced meanwhile stays gone.
pub(crate) async fn reopen(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::ClaimedUserId, Expr::value(Option::<Uuid>::None))
        .filter(Column::ClaimedUserId.eq(user_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets what was said of an address that is proven now.
pub(crate) async fn delete_by_email(tx: &Tx, email: &EmailAddress) -> Result<(), Error> {
    Entity::delete_many().filter(Column::EmailKey.eq(email.key())).exec(tx).await?;
    Ok(())
}

/// Deletes registrations that nobody verified in time.
pub(crate) async fn sweep(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Expires.lte(now.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn read(row: Model) -> Result<Open, Error> {
    let broken = |_: TextError| corrupt("registration");
    let registration = Registration {
        registration_id: RegistrationId::from_uuid(row.registration_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        email: EmailAddress::parse(&row.email).map_err(broken)?,
        profile: Profile {
            name: PersonName::parse(&row.name).map_err(broken)?,
            given_name: optional(&row.given_name, PersonName::parse).map_err(broken)?,
            family_name: optional(&row.family_name, PersonName::parse).map_err(broken)?,
            institution: optional(&row.institution, Institution::parse).map_err(broken)?,
            website: optional(&row.website, Website::parse).map_err(broken)?,
        },
        expires: Timestamp::from_micros(row.expires),
    };
    Ok(Open { registration, password_hash: row.password_hash })
}
