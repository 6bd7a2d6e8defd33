//! Permissions that other backends registered.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::ServiceAccountId;
use rolecall_kernel::text::Description;
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, Set};

use super::entity::permission_namespace;
use super::entity::registered_permission::{ActiveModel, Column, Entity};
use crate::domain::permission::{Permission, RegisteredPermission};

/// Reads all of them, in the order of their names.
pub(crate) async fn list<C: ConnectionTrait>(connection: &C) -> Result<Vec<RegisteredPermission>, Error> {
    let rows = Entity::find().all(connection).await?.into_iter();
    let mut all: Vec<_> =
        rows.map(|row| RegisteredPermission { name: row.name, description: row.description }).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// Returns those of the names that are no permissions: neither of the catalogue nor registered.
pub(crate) async fn find_unknown<C: ConnectionTrait>(
    connection: &C,
    names: &BTreeSet<String>,
) -> Result<Vec<String>, Error> {
    let foreign: Vec<&str> = names.iter().map(String::as_str).filter(|name| Permission::find(name).is_none()).collect();
    let known = find_names(connection, &foreign).await?;
    Ok(foreign.into_iter().filter(|name| !known.iter().any(|known| known == name)).map(str::to_owned).collect())
}

/// Returns those of the names that are registered.
pub(crate) async fn find_names<C: ConnectionTrait>(connection: &C, names: &[&str]) -> Result<Vec<String>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find().filter(Column::Name.is_in(names.iter().copied())).all(connection).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// A namespace that permissions were registered under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Namespace {
    /// The service account that it belongs to.
    pub(crate) owner: Option<ServiceAccountId>,
}

/// Finds a namespace.
pub(crate) async fn find_namespace(tx: &Tx, namespace: &str) -> Result<Option<Namespace>, Error> {
    let row = permission_namespace::Entity::find_by_id(namespace).one(tx).await?;
    Ok(row.map(|row| Namespace { owner: row.service_account_id.map(ServiceAccountId::from_uuid) }))
}

/// Reads the permissions of a namespace, each with what it allows.
pub(crate) async fn list_of(tx: &Tx, namespace: &str) -> Result<Vec<(String, String)>, Error> {
    let rows = Entity::find().filter(Column::Namespace.eq(namespace)).all(tx).await?;
    Ok(rows.into_iter().map(|row| (row.name, row.description)).collect())
}

/// Counts all.
pub(crate) async fn count(tx: &Tx) -> Result<usize, Error> {
    Ok(usize::try_from(Entity::find().count(tx).await?).unwrap_or(usize::MAX))
}

/// Writes what a namespace holds, in the place of what it held.
pub(crate) async fn replace(
    tx: &Tx,
    namespace: &str,
    owner: Option<ServiceAccountId>,
    permissions: &BTreeMap<String, Description>,
    now: Timestamp,
) -> Result<(), Error> {
    let row = permission_namespace::ActiveModel {
        namespace: Set(namespace.to_owned()),
        service_account_id: Set(owner.map(ServiceAccountId::as_uuid)),
        updated: Set(now.as_micros()),
    };
    let taken = OnConflict::column(permission_namespace::Column::Namespace)
        .update_columns([permission_namespace::Column::ServiceAccountId, permission_namespace::Column::Updated])
        .to_owned();
    permission_namespace::Entity::insert(row).on_conflict(taken).exec_without_returning(tx).await?;
    Entity::delete_many().filter(Column::Namespace.eq(namespace)).exec(tx).await?;
    let rows: Vec<_> = permissions
        .iter()
        .map(|(name, description)| ActiveModel {
            name: Set(name.clone()),
            namespace: Set(namespace.to_owned()),
            description: Set(description.as_str().to_owned()),
            created: Set(now.as_micros()),
        })
        .collect();
    if !rows.is_empty() {
        Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}
