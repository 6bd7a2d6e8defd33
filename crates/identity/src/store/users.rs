//! Accounts of persons.

use rolecall_authz::{Permit, Scope};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::{EmailAddress, Institution, PersonName, TextError, Website};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use super::entity::{credential, saga, user};
use super::scope::condition;
use super::{corrupt, user_words};
use crate::domain::fold;
use crate::domain::saga::SagaKind;
use crate::domain::user::{Profile, User, UserState};

/// Work that ends an account, which counts until it has.
const DELETIONS: [&str; 2] = [SagaKind::DeleteUser.as_str(), SagaKind::EraseUser.as_str()];

/// Inserts an account; violates [`USERS_EMAIL_KEY`](super::USERS_EMAIL_KEY) when the address is taken.
pub(crate) async fn insert(tx: &Tx, user: &User) -> Result<(), Error> {
    user::Entity::insert(row(user)).exec_without_returning(tx).await?;
    user_words::replace(tx, user).await
}

/// Stores the profile and the address of an account for which a permit was given; `false` when it changed meanwhile.
///
/// `user` is the account after the change, its version one more than the stored one. Violates
/// [`USERS_EMAIL_KEY`](super::USERS_EMAIL_KEY) when the address is taken.
pub(crate) async fn update(tx: &Tx, permit: &Permit, user: &User) -> Result<bool, Error> {
    if permit.facts().subject_id != Some(user.user_id.into()) {
        return Ok(false);
    }
    let kept = user::ActiveModel {
        user_id: NotSet,
        organization_id: NotSet,
        state: NotSet,
        created: NotSet,
        last_login: NotSet,
        deleted: NotSet,
        ..row(user)
    };
    let done = user::Entity::update_many()
        .set(kept)
        .filter(user::Column::UserId.eq(user.user_id.as_uuid()))
        .filter(user::Column::Version.eq(user.version - 1))
        .exec(tx)
        .await?;
    if done.rows_affected != 1 {
        return Ok(false);
    }
    user_words::replace(tx, user).await?;
    Ok(true)
}

fn row(user: &User) -> user::ActiveModel {
    let profile = &user.profile;
    let given_name = profile.given_name.as_ref().map(PersonName::as_str).unwrap_or_default();
    let family_name = profile.family_name.as_ref().map(PersonName::as_str).unwrap_or_default();
    let institution = profile.institution.as_ref().map(Institution::as_str).unwrap_or_default();
    let website = profile.website.as_ref().map(Website::as_str).unwrap_or_default();
    user::ActiveModel {
        user_id: Set(user.user_id.as_uuid()),
        organization_id: Set(user.organization_id.as_uuid()),
        email: Set(user.email.as_str().to_owned()),
        email_key: Set(user.email.key().to_owned()),
        email_verified: Set(user.email_verified),
        name: Set(profile.name.as_str().to_owned()),
        name_key: Set(fold::key(profile.name.as_str())),
        given_name: Set(given_name.to_owned()),
        given_name_key: Set(fold::key(given_name)),
        family_name: Set(family_name.to_owned()),
        family_name_key: Set(fold::key(family_name)),
        institution: Set(institution.to_owned()),
        institution_key: Set(fold::key(institution)),
        website: Set(website.to_owned()),
        state: Set(user.state.as_str().to_owned()),
        version: Set(user.version),
        created: Set(user.created.as_micros()),
        updated: Set(user.updated.as_micros()),
        last_login: Set(user.last_login.map(Timestamp::as_micros)),
        deleted: Set(None),
    }
}

/// Accounts that are not deleted.
fn living() -> Select<user::Entity> {
    user::Entity::find().filter(user::Column::Deleted.is_null())
}

/// Finds an account, whoever asks.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<Option<User>, Error> {
    let row = living().filter(user::Column::UserId.eq(user_id.as_uuid())).one(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Finds an account and keeps it as it is until the transaction ends.
pub(crate) async fn lock(tx: &Tx, user_id: UserId) -> Result<Option<User>, Error> {
    let row = living().filter(user::Column::UserId.eq(user_id.as_uuid())).lock_for_update().one(tx).await?;
    row.as_ref().map(read).transpose()
}

/// Finds an account within a scope, once all contexts know it.
pub(crate) async fn find_in_scope<C: ConnectionTrait>(
    connection: &C,
    user_id: UserId,
    scope: &Scope,
) -> Result<Option<User>, Error> {
    let found = visible(scope).filter(user::Column::UserId.eq(user_id.as_uuid()));
    found.one(connection).await?.as_ref().map(read).transpose()
}

/// Finds an account within a scope and keeps it as it is until the transaction ends.
pub(crate) async fn lock_in_scope(tx: &Tx, user_id: UserId, scope: &Scope) -> Result<Option<User>, Error> {
    let found = visible(scope).filter(user::Column::UserId.eq(user_id.as_uuid())).lock_for_update();
    found.one(tx).await?.as_ref().map(read).transpose()
}

/// Lists accounts of an organization in order of creation, those after another.
pub(crate) async fn list_of_organization<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    after: Option<&User>,
    limit: u64,
) -> Result<Vec<User>, Error> {
    let mut found = living().filter(user::Column::OrganizationId.eq(organization.as_uuid()));
    if let Some(after) = after {
        let row = Expr::tuple([Expr::col(user::Column::Created), Expr::col(user::Column::UserId)]);
        let position = Expr::tuple([Expr::value(after.created.as_micros()), Expr::value(after.user_id.as_uuid())]);
        found = found.filter(row.gt(position));
    }
    let found = found.order_by_asc(user::Column::Created).order_by_asc(user::Column::UserId).limit(limit);
    found.all(connection).await?.iter().map(read).collect()
}

/// Finds accounts within a scope, in no order; those outside of it are left out.
pub(crate) async fn find_many_in_scope<C: ConnectionTrait>(
    connection: &C,
    ids: &[UserId],
    scope: &Scope,
) -> Result<Vec<User>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = visible(scope).filter(user::Column::UserId.is_in(ids.iter().map(|id| id.as_uuid())));
    found.all(connection).await?.iter().map(read).collect()
}

/// Accounts within a scope whose creation is finished in every context.
pub(super) fn visible(scope: &Scope) -> Select<user::Entity> {
    let unfinished = Query::select()
        .expr(Expr::val(1))
        .from(saga::Entity)
        .and_where(Expr::col((saga::Entity, saga::Column::SagaId)).equals((user::Entity, user::Column::UserId)))
        // Who is being deleted is there until it is gone.
        .and_where(Expr::col((saga::Entity, saga::Column::Kind)).is_not_in(DELETIONS))
        .to_owned();
    let own = condition(scope, (user::Entity, user::Column::OrganizationId), (user::Entity, user::Column::UserId));
    living().filter(own).filter(Expr::exists(unfinished).not())
}

/// Finds accounts by identifier, in no order; unknown ones are left out.
pub(crate) async fn find_many<C: ConnectionTrait>(connection: &C, ids: &[SubjectId]) -> Result<Vec<User>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = living().filter(user::Column::UserId.is_in(ids.iter().map(|id| id.as_uuid())));
    found.all(connection).await?.iter().map(read).collect()
}

/// Finds an account by its address, with the hash of its password if it has one.
pub(crate) async fn find_by_email<C: ConnectionTrait>(
    connection: &C,
    email: &EmailAddress,
) -> Result<Option<(User, Option<String>)>, Error> {
    let row = living().filter(user::Column::EmailKey.eq(email.key())).one(connection).await?;
    // Asked in any case, so that an unknown address takes as long as a known one.
    let user_id = row.as_ref().map_or(Uuid::nil(), |row| row.user_id);
    let credential = credential::Entity::find_by_id(user_id).one(connection).await?;
    let hash = credential.map(|credential| credential.password_hash);
    row.map(|row| Ok((read(&row)?, hash))).transpose()
}

/// Lists which of the addresses living accounts hold that proved them.
pub(crate) async fn list_proven<C: ConnectionTrait>(
    connection: &C,
    emails: &[EmailAddress],
) -> Result<Vec<(EmailAddress, UserId)>, Error> {
    let keys = emails.iter().map(EmailAddress::key);
    let query = living().filter(user::Column::EmailVerified.eq(true)).filter(user::Column::EmailKey.is_in(keys));
    let users: Vec<User> = query.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(users.into_iter().map(|user| (user.email, user.user_id)).collect())
}

/// Tells whether an address belongs to an account, or did and is still reserved; only the unique constraint decides.
pub(crate) async fn is_email_taken<C: ConnectionTrait>(connection: &C, email: &EmailAddress) -> Result<bool, Error> {
    let found = user::Entity::find().filter(user::Column::EmailKey.eq(email.key()));
    Ok(found.one(connection).await?.is_some())
}

/// Notes a login; `false` when the account is not active. Holds the row, so that logins of one person queue up.
pub(crate) async fn note_login(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<bool, Error> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::LastLogin, Expr::value(now.as_micros()))
        .filter(user::Column::UserId.eq(user_id.as_uuid()))
        .filter(user::Column::State.eq(UserState::Active.as_str()))
        .filter(user::Column::Deleted.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Makes an invited account active; `false` when it is not invited.
pub(crate) async fn activate(tx: &Tx, user_id: UserId, email_verified: bool, now: Timestamp) -> Result<bool, Error> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::State, Expr::value(UserState::Active.as_str()))
        .col_expr(user::Column::EmailVerified, Expr::value(email_verified))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .col_expr(user::Column::Updated, Expr::value(now.as_micros()))
        .filter(user::Column::UserId.eq(user_id.as_uuid()))
        .filter(user::Column::State.eq(UserState::Invited.as_str()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Takes an account back to the state before its person could log in; nobody has seen it otherwise.
pub(crate) async fn deactivate(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<(), Error> {
    user::Entity::update_many()
        .col_expr(user::Column::State, Expr::value(UserState::Invited.as_str()))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .col_expr(user::Column::Updated, Expr::value(now.as_micros()))
        .filter(user::Column::UserId.eq(user_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes an account, which keeps its address reserved until it is purged; `false` when it is gone.
pub(crate) async fn delete(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<bool, Error> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::Deleted, Expr::value(now.as_micros()))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .col_expr(user::Column::Updated, Expr::value(now.as_micros()))
        .filter(user::Column::UserId.eq(user_id.as_uuid()))
        .filter(user::Column::Deleted.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Frees the address of a deleted account at once, for whoever proved it.
pub(crate) async fn release_address(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    user::Entity::update_many()
        // No address is like this, and no other account.
        .col_expr(user::Column::EmailKey, Expr::value(user_id.to_string()))
        .filter(user::Column::UserId.eq(user_id.as_uuid()))
        .filter(user::Column::Deleted.is_not_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Purges a deleted account, with everything that hangs on it.
pub(crate) async fn erase(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    let deleted = user::Entity::delete_many().filter(user::Column::UserId.eq(user_id.as_uuid()));
    deleted.filter(user::Column::Deleted.is_not_null()).exec(tx).await?;
    Ok(())
}

/// Lists accounts that were deleted long ago, with their organizations.
pub(crate) async fn list_purgeable(
    tx: &Tx,
    deleted_before: Timestamp,
    limit: u64,
) -> Result<Vec<(UserId, OrganizationId)>, Error> {
    let query = user::Entity::find().filter(user::Column::Deleted.lt(deleted_before.as_micros()));
    let rows = query.order_by_asc(user::Column::Deleted).limit(limit).all(tx).await?;
    let ids = |row: user::Model| (UserId::from_uuid(row.user_id), OrganizationId::from_uuid(row.organization_id));
    Ok(rows.into_iter().map(ids).collect())
}

/// Notes that the person of an account proved its address; `false` when it had before.
pub(crate) async fn verify_email(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<bool, Error> {
    let done = user::Entity::update_many()
        .col_expr(user::Column::EmailVerified, Expr::value(true))
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .col_expr(user::Column::Updated, Expr::value(now.as_micros()))
        .filter(user::Column::UserId.eq(user_id.as_uuid()))
        .filter(user::Column::EmailVerified.eq(false))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes a change of the account for which a permit was given.
pub(crate) async fn touch(tx: &Tx, permit: &Permit, now: Timestamp) -> Result<bool, Error> {
    let Some(subject) = permit.facts().subject_id else {
        return Ok(false);
    };
    let done = user::Entity::update_many()
        .col_expr(user::Column::Version, Expr::col(user::Column::Version).add(1))
        .col_expr(user::Column::Updated, Expr::value(now.as_micros()))
        .filter(user::Column::UserId.eq(subject.as_uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

pub(super) fn read(row: &user::Model) -> Result<User, Error> {
    let broken = |_: TextError| corrupt("account");
    Ok(User {
        user_id: UserId::from_uuid(row.user_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        email: EmailAddress::parse(&row.email).map_err(broken)?,
        email_verified: row.email_verified,
        profile: Profile {
            name: PersonName::parse(&row.name).map_err(broken)?,
            given_name: optional(&row.given_name, PersonName::parse).map_err(broken)?,
            family_name: optional(&row.family_name, PersonName::parse).map_err(broken)?,
            institution: optional(&row.institution, Institution::parse).map_err(broken)?,
            website: optional(&row.website, Website::parse).map_err(broken)?,
        },
        state: UserState::parse(&row.state).ok_or_else(|| corrupt("account"))?,
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
        last_login: row.last_login.map(Timestamp::from_micros),
    })
}

/// An empty text in a table is an absent value.
pub(super) fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, TextError>) -> Result<Option<T>, TextError> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}
