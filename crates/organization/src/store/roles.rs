//! Roles that organizations compose.

use std::collections::{BTreeSet, HashMap};

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{OrganizationId, RoleId, UserId};
use rolecall_kernel::text::Description;
use rolecall_kernel::time::Timestamp;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, Set};
use uuid::Uuid;

use super::corrupt;
use super::entity::role::{ActiveModel, Column, Entity, Model};
use super::entity::{member_role, role_permission};
use crate::domain::custom_role::{ComposedRole, CustomRole, CustomRoles, RoleName};

/// Adds a role; violates [`super::ROLE_NAME_KEY`] when the organization has one of that name.
pub(crate) async fn insert(tx: &Tx, composed: &ComposedRole) -> Result<(), Error> {
    Entity::insert(to_row(composed)).exec_without_returning(tx).await?;
    give(tx, composed.role.role_id, composed.role.permissions.iter()).await
}

fn to_row(composed: &ComposedRole) -> ActiveModel {
    ActiveModel {
        role_id: Set(composed.role.role_id.as_uuid()),
        organization_id: Set(composed.organization_id.as_uuid()),
        name: Set(composed.role.name.to_string()),
        description: Set(composed.description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default()),
        version: Set(composed.version),
        created: Set(composed.created.as_micros()),
        updated: Set(composed.updated.as_micros()),
    }
}

async fn give(tx: &Tx, role: RoleId, permissions: impl Iterator<Item = &String>) -> Result<(), Error> {
    let rows: Vec<_> = permissions
        .map(|name| role_permission::ActiveModel { role_id: Set(role.as_uuid()), permission: Set(name.clone()) })
        .collect();
    if !rows.is_empty() {
        role_permission::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Writes a changed role and what it holds; read under the lock of the same transaction.
pub(crate) async fn update(tx: &Tx, composed: &ComposedRole) -> Result<(), Error> {
    Entity::update(to_row(composed)).exec(tx).await?;
    let id = composed.role.role_id;
    let held = role_permission::Column::RoleId.eq(id.as_uuid());
    role_permission::Entity::delete_many().filter(held).exec(tx).await?;
    give(tx, id, composed.role.permissions.iter()).await
}

/// Removes a role that nobody holds.
pub(crate) async fn delete(tx: &Tx, role: RoleId) -> Result<(), Error> {
    Entity::delete_by_id(role.as_uuid()).exec(tx).await?;
    Ok(())
}

/// Removes all roles of an organization, which nobody holds any more.
pub(crate) async fn delete_all(tx: &Tx, organization: OrganizationId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Counts the roles of an organization.
pub(crate) async fn count(tx: &Tx, organization: OrganizationId) -> Result<u64, Error> {
    Ok(Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid())).count(tx).await?)
}

/// Reads all roles of an organization, in the order of their names.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
) -> Result<Vec<ComposedRole>, Error> {
    let rows = Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid())).all(connection).await?;
    compose(connection, rows).await
}

/// Finds a role of an organization by its name.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    name: &RoleName,
) -> Result<Option<ComposedRole>, Error> {
    let query = Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid()));
    let row = query.filter(Column::Name.eq(name.as_str())).one(connection).await?;
    Ok(compose(connection, row.into_iter().collect()).await?.pop())
}

/// Finds those of the named roles that the organization has, and keeps them until the transaction ends.
pub(crate) async fn find_named(
    tx: &Tx,
    organization: OrganizationId,
    names: &[RoleName],
) -> Result<CustomRoles, Error> {
    if names.is_empty() {
        return Ok(CustomRoles::default());
    }
    let query = Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid()));
    let rows = query.filter(Column::Name.is_in(names.iter().map(RoleName::as_str))).lock_for_update().all(tx).await?;
    Ok(compose(tx, rows).await?.into_iter().map(|composed| composed.role).collect())
}

async fn compose<C: ConnectionTrait>(connection: &C, rows: Vec<Model>) -> Result<Vec<ComposedRole>, Error> {
    let mut permissions = permissions(connection, rows.iter().map(|row| row.role_id).collect()).await?;
    let mut roles: Vec<ComposedRole> = rows
        .into_iter()
        .map(|row| from_row(&row, permissions.remove(&row.role_id).unwrap_or_default()))
        .collect::<Result<_, _>>()?;
    roles.sort_by(|one, other| one.role.name.cmp(&other.role.name));
    Ok(roles)
}

async fn permissions<C: ConnectionTrait>(
    connection: &C,
    roles: BTreeSet<Uuid>,
) -> Result<HashMap<Uuid, BTreeSet<String>>, Error> {
    let mut held: HashMap<Uuid, BTreeSet<String>> = HashMap::new();
    if roles.is_empty() {
        return Ok(held);
    }
    let query = role_permission::Entity::find().filter(role_permission::Column::RoleId.is_in(roles));
    for row in query.all(connection).await? {
        held.entry(row.role_id).or_default().insert(row.permission);
    }
    Ok(held)
}

fn from_row(row: &Model, permissions: BTreeSet<String>) -> Result<ComposedRole, DbErr> {
    let name = RoleName::parse(&row.name).map_err(|_| corrupt("name of a role"))?;
    let description = Some(row.description.as_str()).filter(|text| !text.is_empty()).map(Description::parse);
    Ok(ComposedRole {
        role: CustomRole { role_id: RoleId::from_uuid(row.role_id), name, permissions },
        organization_id: OrganizationId::from_uuid(row.organization_id),
        description: description.transpose().map_err(|_| corrupt("description of a role"))?,
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
    })
}

/// Reads the composed roles that members hold.
pub(super) async fn of_members<C: ConnectionTrait>(
    connection: &C,
    users: Vec<Uuid>,
) -> Result<HashMap<Uuid, CustomRoles>, Error> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let held = member_role::Entity::find().filter(member_role::Column::UserId.is_in(users)).all(connection).await?;
    if held.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: BTreeSet<Uuid> = held.iter().map(|row| row.role_id).collect();
    let rows = Entity::find().filter(Column::RoleId.is_in(ids)).all(connection).await?;
    let roles = compose(connection, rows).await?.into_iter();
    let roles: HashMap<Uuid, CustomRole> = roles.map(|found| (found.role.role_id.as_uuid(), found.role)).collect();
    let mut of: HashMap<Uuid, Vec<CustomRole>> = HashMap::new();
    for row in held {
        of.entry(row.user_id).or_default().extend(roles.get(&row.role_id).cloned());
    }
    Ok(of.into_iter().map(|(user, roles)| (user, roles.into_iter().collect())).collect())
}

/// Gives a member these composed roles in the place of its own.
pub(crate) async fn assign(tx: &Tx, user: UserId, roles: &CustomRoles) -> Result<(), Error> {
    let of = member_role::Column::UserId.eq(user.as_uuid());
    member_role::Entity::delete_many().filter(of).exec(tx).await?;
    let rows: Vec<_> = roles
        .iter()
        .map(|role| member_role::ActiveModel { user_id: Set(user.as_uuid()), role_id: Set(role.role_id.as_uuid()) })
        .collect();
    if !rows.is_empty() {
        member_role::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Counts who holds a role, whatever their state.
pub(crate) async fn count_holders(tx: &Tx, role: RoleId) -> Result<u64, Error> {
    let query = member_role::Entity::find().filter(member_role::Column::RoleId.eq(role.as_uuid()));
    Ok(query.count(tx).await?)
}

/// Lists who holds a role, whatever their state.
pub(crate) async fn list_holders(tx: &Tx, role: RoleId) -> Result<Vec<UserId>, Error> {
    let query = member_role::Entity::find().filter(member_role::Column::RoleId.eq(role.as_uuid()));
    Ok(query.all(tx).await?.into_iter().map(|row| UserId::from_uuid(row.user_id)).collect())
}

/// Lists the roles, of whichever organization, that hold one of the permissions.
pub(crate) async fn list_holding(tx: &Tx, permissions: &BTreeSet<String>) -> Result<Vec<ComposedRole>, Error> {
    let held = role_permission::Column::Permission.is_in(permissions.iter().map(String::as_str));
    let rows = role_permission::Entity::find().filter(held).all(tx).await?;
    let ids: BTreeSet<Uuid> = rows.into_iter().map(|row| row.role_id).collect();
    let rows = Entity::find().filter(Column::RoleId.is_in(ids)).all(tx).await?;
    compose(tx, rows).await
}
