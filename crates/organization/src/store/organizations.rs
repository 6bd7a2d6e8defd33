//! Organizations.

use rolecall_authz::{Filter, Permit, Scope};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::text::{OrganizationName, Reason};
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};

use super::corrupt;
use super::entity::organization::{ActiveModel, Column, Entity, Model};
use crate::domain::organization::{MfaPolicy, Organization, OrganizationState, Suspension, name_key};
use crate::domain::page::Position;

const HIDDEN: &str = "HIDDEN";
pub(super) const ACTIVE: &str = "ACTIVE";

/// A suspended organization is an active one that has a suspension.
fn state_name(state: &OrganizationState) -> &'static str {
    match state {
        OrganizationState::Hidden => HIDDEN,
        OrganizationState::Active | OrganizationState::Suspended(_) => ACTIVE,
    }
}

fn suspension(row: &Model) -> Result<Option<Suspension>, DbErr> {
    let (Some(since), Some(actor), Some(reason)) = (row.suspended_since, row.suspended_by, &row.suspend_reason) else {
        return Ok(None);
    };
    Ok(Some(Suspension {
        reason: Reason::parse(reason).map_err(|_| corrupt("reason of a suspension"))?,
        since: Timestamp::from_micros(since),
        actor: SubjectId::from_uuid(actor),
    }))
}

pub(super) fn from_row(row: &Model) -> Result<Organization, DbErr> {
    Ok(Organization {
        organization_id: OrganizationId::from_uuid(row.organization_id),
        name: OrganizationName::parse(&row.name).map_err(|_| corrupt("name of an organization"))?,
        state: match row.state.as_str() {
            HIDDEN => OrganizationState::Hidden,
            ACTIVE => suspension(row)?.map_or(OrganizationState::Active, OrganizationState::Suspended),
            _ => return Err(corrupt("state of an organization")),
        },
        home: row.home,
        mfa_policy: MfaPolicy::parse(&row.mfa_policy).ok_or_else(|| corrupt("MFA policy of an organization"))?,
        version: row.version,
        created: Timestamp::from_micros(row.created),
    })
}

/// Adds an organization; violates [`super::NAME_KEY`] when the name is taken.
pub(crate) async fn insert(tx: &Tx, organization: &Organization) -> Result<(), Error> {
    let row = ActiveModel {
        organization_id: Set(organization.organization_id.as_uuid()),
        name: Set(organization.name.as_str().to_owned()),
        name_key: Set(name_key(&organization.name)),
        state: Set(state_name(&organization.state).to_owned()),
        home: Set(organization.home),
        mfa_policy: Set(organization.mfa_policy.name().to_owned()),
        version: Set(organization.version),
        created: Set(organization.created.as_micros()),
        // The settings begin as their columns do.
        ..ActiveModel::default()
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds an organization, also one that is being made; only for the work that makes it.
pub(crate) async fn find_even_hidden<C: ConnectionTrait>(
    connection: &C,
    id: OrganizationId,
) -> Result<Option<Organization>, Error> {
    let row = Entity::find_by_id(id.as_uuid()).one(connection).await?;
    Ok(row.as_ref().map(from_row).transpose()?)
}

/// Finds an organization within the scope.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    id: OrganizationId,
) -> Result<Option<Organization>, Error> {
    if !scope.includes_organization(id) {
        return Ok(None);
    }
    let found = find_even_hidden(connection, id).await?;
    Ok(found.filter(|organization| organization.state != OrganizationState::Hidden))
}

/// Finds an organization within the scope and locks its row until the transaction ends.
pub(crate) async fn find_locked(tx: &Tx, scope: &Scope, id: OrganizationId) -> Result<Option<Organization>, Error> {
    if !scope.includes_organization(id) {
        return Ok(None);
    }
    let row = Entity::find_by_id(id.as_uuid()).filter(Column::State.eq(ACTIVE)).lock_for_update().one(tx).await?;
    Ok(row.as_ref().map(from_row).transpose()?)
}

/// Hides an organization for ever, and frees its name.
pub(crate) async fn delete(tx: &Tx, id: OrganizationId, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(HIDDEN))
        .col_expr(Column::Deleted, Expr::value(now.as_micros()))
        // Names hold no control characters, so none is like this.
        .col_expr(Column::NameKey, Expr::value(format!("\u{1}{id}")))
        .filter(Column::OrganizationId.eq(id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Removes organizations that were deleted before a time, and returns how many.
pub(crate) async fn purge(tx: &Tx, deleted_before: Timestamp) -> Result<u64, Error> {
    Ok(Entity::delete_many().filter(Column::Deleted.lt(deleted_before.as_micros())).exec(tx).await?.rows_affected)
}

/// Tells whether those who belong to an organization are kept out.
pub(crate) async fn is_suspended<C: ConnectionTrait>(connection: &C, id: OrganizationId) -> Result<bool, Error> {
    let query = Entity::find_by_id(id.as_uuid()).filter(Column::SuspendedSince.is_not_null());
    Ok(query.count(connection).await? > 0)
}

/// Writes name and suspension of an organization, which the permit says lies in the scope of the caller; violates
/// [`super::NAME_KEY`] when the name is taken.
pub(crate) async fn update(tx: &Tx, permit: &Permit, organization: &Organization) -> Result<(), Error> {
    let suspension = organization.suspension();
    let row = ActiveModel {
        name: Set(organization.name.as_str().to_owned()),
        name_key: Set(name_key(&organization.name)),
        version: Set(organization.version),
        suspended_since: Set(suspension.map(|suspension| suspension.since.as_micros())),
        suspended_by: Set(suspension.map(|suspension| suspension.actor.as_uuid())),
        suspend_reason: Set(suspension.map(|suspension| suspension.reason.as_str().to_owned())),
        ..ActiveModel::default()
    };
    let inside = permit.facts().organization_id.map(OrganizationId::as_uuid);
    let query = Entity::update_many()
        .set(row)
        .filter(Column::OrganizationId.eq(organization.organization_id.as_uuid()))
        .filter(Column::OrganizationId.eq(inside))
        .filter(Column::Version.eq(organization.version - 1));
    if query.exec(tx).await?.rows_affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// Finds the organization that was made at installation.
pub(crate) async fn find_home<C: ConnectionTrait>(connection: &C) -> Result<Option<Organization>, Error> {
    let row = Entity::find().filter(Column::Home.eq(true)).one(connection).await?;
    Ok(row.as_ref().map(from_row).transpose()?)
}

/// Tells whether a name belongs to an organization, be it one that is being made.
pub(crate) async fn is_name_taken<C: ConnectionTrait>(connection: &C, name: &OrganizationName) -> Result<bool, Error> {
    Ok(Entity::find().filter(Column::NameKey.eq(name_key(name))).one(connection).await?.is_some())
}

/// Lists organizations of the scope in order of creation.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<Organization>, Error> {
    let mut query = Entity::find().filter(Column::State.eq(ACTIVE));
    query = match scope.as_organization_filter() {
        Filter::All => query,
        Filter::Organizations(ids) => query.filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))),
        Filter::Subject(_) | Filter::Nothing => return Ok(Vec::new()),
    };
    if let Some(after) = after {
        query = query.filter(beyond(after));
    }
    let query = query.order_by_asc(Column::Created).order_by_asc(Column::OrganizationId).limit(limit);
    let rows = query.all(connection).await?;
    Ok(rows.iter().map(from_row).collect::<Result<_, _>>()?)
}

/// The rows after a position; spelled as a row comparison, which both databases answer from the index.
pub(super) fn beyond(after: Position) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Created), Expr::col(Column::OrganizationId)]);
    let position = Expr::tuple([Expr::value(after.created.as_micros()), Expr::value(after.id)]);
    Condition::all().add(row.gt(position))
}

/// Shows an organization that was being made; `false` when it was shown already.
pub(crate) async fn reveal(tx: &Tx, id: OrganizationId) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(ACTIVE))
        .filter(Column::OrganizationId.eq(id.as_uuid()))
        .filter(Column::State.eq(HIDDEN))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Removes an organization that was being made.
pub(crate) async fn delete_hidden(tx: &Tx, id: OrganizationId) -> Result<(), Error> {
    let query = Entity::delete_many().filter(Column::OrganizationId.eq(id.as_uuid())).filter(Column::State.eq(HIDDEN));
    query.exec(tx).await?;
    Ok(())
}
