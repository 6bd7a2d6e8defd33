//! Memberships.

mod filter;
mod row;

use rolecall_authz::{Filter, Permit, Scope};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveValue::NotSet, ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use self::row::{ACTIVE, HIDDEN, from_row, to_row};
use super::entity::member::{ActiveModel, Column, Entity, Model};
use super::entity::organization;
use super::{roles, settings};
use crate::domain::guard::Others;
use crate::domain::member::Member;
use crate::domain::member_filter::MemberFilter;
use crate::domain::page::Position;

/// Adds a member; violates [`super::MEMBERS_KEY`] when the account is one already.
pub(crate) async fn insert(tx: &Tx, member: &Member, added_by: Option<SubjectId>) -> Result<(), Error> {
    Entity::insert(to_row(member, added_by)).exec_without_returning(tx).await?;
    if member.custom.is_empty() { Ok(()) } else { roles::assign(tx, member.user_id, &member.custom).await }
}

/// Makes members of rows, with the composed roles that they hold.
async fn read<C: ConnectionTrait>(connection: &C, rows: &[Model]) -> Result<Vec<Member>, Error> {
    let mut custom = roles::of_members(connection, rows.iter().map(|row| row.user_id).collect()).await?;
    let members = rows.iter().map(|row| from_row(row, custom.remove(&row.user_id).unwrap_or_default()));
    Ok(members.collect::<Result<_, _>>()?)
}

async fn read_one<C: ConnectionTrait>(connection: &C, row: Option<Model>) -> Result<Option<Member>, Error> {
    Ok(read(connection, row.as_slice()).await?.pop())
}

/// Narrows a query to a scope; `None` when nothing lies in it.
fn within(query: Select<Entity>, scope: &Scope) -> Option<Select<Entity>> {
    match scope.as_organization_filter() {
        Filter::All => Some(query),
        Filter::Organizations(ids) => {
            Some(query.filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))))
        }
        Filter::Subject(subject) => Some(query.filter(Column::UserId.eq(subject.as_uuid()))),
        Filter::Nothing => None,
    }
}

fn visible() -> Select<Entity> {
    Entity::find().filter(Column::State.ne(HIDDEN))
}

/// Finds a member within the scope.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    user: UserId,
) -> Result<Option<Member>, Error> {
    let Some(query) = within(visible(), scope) else { return Ok(None) };
    let row = query.filter(Column::UserId.eq(user.as_uuid())).one(connection).await?;
    read_one(connection, row).await
}

/// Finds a member within the scope and locks its row until the transaction ends.
pub(crate) async fn find_locked(tx: &Tx, scope: &Scope, user: UserId) -> Result<Option<Member>, Error> {
    let Some(query) = within(visible(), scope) else { return Ok(None) };
    let row = query.filter(Column::UserId.eq(user.as_uuid())).lock_for_update().one(tx).await?;
    read_one(tx, row).await
}

/// Finds a member, hidden or not, and who added it; only for the work that makes members.
pub(crate) async fn find_even_hidden(tx: &Tx, user: UserId) -> Result<Option<(Member, Option<SubjectId>)>, Error> {
    let row: Option<Model> = Entity::find_by_id(user.as_uuid()).lock_for_update().one(tx).await?;
    let Some(row) = row else { return Ok(None) };
    let added_by = row.added_by.map(SubjectId::from_uuid);
    Ok(read_one(tx, Some(row)).await?.map(|member| (member, added_by)))
}

/// Reads a member, hidden or not; only for the work that makes members.
pub(crate) async fn read_even_hidden<C: ConnectionTrait>(
    connection: &C,
    user: UserId,
) -> Result<Option<Member>, Error> {
    let row = Entity::find_by_id(user.as_uuid()).one(connection).await?;
    read_one(connection, row).await
}

/// Reads those of the accounts that are members.
pub(crate) async fn list_by_id<C: ConnectionTrait>(connection: &C, users: &[UserId]) -> Result<Vec<Member>, Error> {
    let query = visible().filter(Column::UserId.is_in(users.iter().map(|user| user.as_uuid())));
    let rows = query.all(connection).await?;
    read(connection, &rows).await
}

/// Lists members of the scope in order of creation.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    (filter, now): (&MemberFilter, Timestamp),
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<Member>, Error> {
    let Some(query) = within(visible(), scope) else { return Ok(Vec::new()) };
    let mut query = query.filter(filter::condition(filter, now));
    if let Some(after) = after {
        query = query.filter(beyond(after));
    }
    let query = query.order_by_asc(Column::Created).order_by_asc(Column::UserId).limit(limit);
    let rows = query.all(connection).await?;
    read(connection, &rows).await
}

/// The rows after a position; spelled as a row comparison, which both databases answer from the index.
fn beyond(after: Position) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Created), Expr::col(Column::UserId)]);
    let position = Expr::tuple([Expr::value(after.created.as_micros()), Expr::value(after.id)]);
    Condition::all().add(row.gt(position))
}

/// Lists members whose block has ended by itself and is still written down.
pub(crate) async fn list_with_ended_block<C: ConnectionTrait>(
    connection: &C,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<UserId>, Error> {
    let query = Entity::find().filter(Column::BlockedUntil.lte(now.as_micros())).order_by_asc(Column::BlockedUntil);
    let rows = query.limit(limit).all(connection).await?;
    Ok(rows.into_iter().map(|row| UserId::from_uuid(row.user_id)).collect())
}

/// Lists the other owners of an organization, also those that are blocked now.
pub(crate) async fn list_other_owners(tx: &Tx, member: &Member) -> Result<Vec<UserId>, Error> {
    let query = Entity::find()
        .filter(Column::State.eq(ACTIVE))
        .filter(Column::IsOwner.eq(true))
        .filter(Column::OrganizationId.eq(member.organization_id.as_uuid()))
        .filter(Column::UserId.ne(member.user_id.as_uuid()))
        .order_by_asc(Column::UserId);
    Ok(query.all(tx).await?.into_iter().map(|row| UserId::from_uuid(row.user_id)).collect())
}

/// Lists the owners of an organization, also those that are blocked now.
pub(crate) async fn list_owners(tx: &Tx, organization: OrganizationId) -> Result<Vec<UserId>, Error> {
    let query = Entity::find()
        .filter(Column::State.eq(ACTIVE))
        .filter(Column::IsOwner.eq(true))
        .filter(Column::OrganizationId.eq(organization.as_uuid()))
        .order_by_asc(Column::UserId);
    Ok(query.all(tx).await?.into_iter().map(|row| UserId::from_uuid(row.user_id)).collect())
}

/// Tells whether administrators of the instance other than this member belong to an organization.
pub(crate) async fn has_other_admins(tx: &Tx, organization: OrganizationId, but: UserId) -> Result<bool, Error> {
    let query = Entity::find()
        .filter(Column::IsAdmin.eq(true))
        .filter(Column::OrganizationId.eq(organization.as_uuid()))
        .filter(Column::UserId.ne(but.as_uuid()));
    Ok(query.one(tx).await?.is_some())
}

/// Lists the other administrators of the instance, also those that are blocked now.
pub(crate) async fn list_other_admins(tx: &Tx, user: UserId) -> Result<Vec<UserId>, Error> {
    let query = Entity::find()
        .filter(Column::State.eq(ACTIVE))
        .filter(Column::IsAdmin.eq(true))
        .filter(Column::UserId.ne(user.as_uuid()))
        .order_by_asc(Column::UserId);
    Ok(query.all(tx).await?.into_iter().map(|row| UserId::from_uuid(row.user_id)).collect())
}

/// Lists administrators of the instance within the scope in order of creation.
pub(crate) async fn list_admins<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<Member>, Error> {
    let Some(mut query) = within(visible().filter(Column::IsAdmin.eq(true)), scope) else { return Ok(Vec::new()) };
    if let Some(after) = after {
        query = query.filter(beyond(after));
    }
    let query = query.order_by_asc(Column::Created).order_by_asc(Column::UserId).limit(limit);
    let rows = query.all(connection).await?;
    read(connection, &rows).await
}

/// Writes a changed member, which the permit says lies in the scope of the caller.
pub(crate) async fn update(tx: &Tx, permit: &Permit, member: &Member) -> Result<(), Error> {
    let facts = permit.facts();
    let inside = Condition::all()
        .add(Column::UserId.eq(facts.subject_id.map(SubjectId::as_uuid)))
        .add(Column::OrganizationId.eq(facts.organization_id.map(OrganizationId::as_uuid)));
    write(tx, member, inside).await
}

/// Writes the next state of a member that this installation itself moves on.
pub(crate) async fn advance(tx: &Tx, member: &Member) -> Result<(), Error> {
    write(tx, member, Condition::all()).await
}

async fn write(tx: &Tx, member: &Member, inside: Condition) -> Result<(), Error> {
    let row = ActiveModel {
        user_id: NotSet,
        organization_id: NotSet,
        created: NotSet,
        added_by: NotSet,
        ..to_row(member, None)
    };
    let query = Entity::update_many()
        .set(row)
        .filter(Column::UserId.eq(member.user_id.as_uuid()))
        .filter(Column::Version.eq(member.version - 1))
        .filter(inside);
    // Read under the lock of the same transaction, so that another version cannot be there.
    match query.exec(tx).await?.rows_affected {
        1 => Ok(()),
        _ => Err(sea_orm::DbErr::RecordNotUpdated.into()),
    }
}

/// Removes a member that is not active.
pub(crate) async fn delete_inactive(tx: &Tx, user: UserId) -> Result<(), Error> {
    let query = Entity::delete_many().filter(Column::UserId.eq(user.as_uuid())).filter(Column::State.ne(ACTIVE));
    query.exec(tx).await?;
    Ok(())
}

/// Removes a member, whatever its state.
pub(crate) async fn delete(tx: &Tx, user: UserId) -> Result<(), Error> {
    Entity::delete_by_id(user.as_uuid()).exec(tx).await?;
    Ok(())
}

/// Removes all members of an organization.
pub(crate) async fn delete_all(tx: &Tx, organization: OrganizationId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Tells whether administrators of the instance belong to an organization, whatever their state.
pub(crate) async fn has_admins(tx: &Tx, organization: OrganizationId) -> Result<bool, Error> {
    let query =
        Entity::find().filter(Column::IsAdmin.eq(true)).filter(Column::OrganizationId.eq(organization.as_uuid()));
    Ok(query.one(tx).await?.is_some())
}

/// Tells whether accounts are being made in an organization.
pub(crate) async fn has_hidden(tx: &Tx, organization: OrganizationId) -> Result<bool, Error> {
    let query =
        Entity::find().filter(Column::State.eq(HIDDEN)).filter(Column::OrganizationId.eq(organization.as_uuid()));
    Ok(query.one(tx).await?.is_some())
}

/// Counts who else is in charge and can act; exact for as long as changes of access are kept waiting.
pub(crate) async fn count_others(tx: &Tx, member: &Member, now: Timestamp) -> Result<Others, Error> {
    let able = || {
        Entity::find()
            .filter(Column::State.eq(ACTIVE))
            .filter(Column::UserId.ne(member.user_id.as_uuid()))
            .filter(Condition::any().add(Column::BlockReason.is_null()).add(Column::BlockedUntil.lte(now.as_micros())))
    };
    let owners = able()
        .filter(Column::IsOwner.eq(true))
        .filter(Column::OrganizationId.eq(member.organization_id.as_uuid()))
        .count(tx)
        .await?;
    let suspended = Query::select()
        .column(organization::Column::OrganizationId)
        .from(organization::Entity)
        .and_where(organization::Column::SuspendedSince.is_not_null())
        .to_owned();
    let admins = able()
        .filter(Column::IsAdmin.eq(true))
        .filter(Column::OrganizationId.not_in_subquery(suspended))
        .count(tx)
        .await?;
    let break_glass = settings::find_break_glass(tx, member.organization_id).await?;
    Ok(Others { owners, admins, break_glass })
}
