//! Accounts of programs.

use rolecall_authz::{Permit, Scope};
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, ServiceAccountId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use super::corrupt;
use super::entity::saga;
use super::entity::service_account::{ActiveModel, Column, Entity, Model};
use super::scope::condition;
use crate::domain::saga::SagaKind;
use crate::domain::service_account::ServiceAccount;

/// Inserts an account.
pub(crate) async fn insert(tx: &Tx, account: &ServiceAccount) -> Result<(), Error> {
    let row = ActiveModel {
        service_account_id: Set(account.service_account_id.as_uuid()),
        organization_id: Set(account.organization_id.map(OrganizationId::as_uuid)),
        name: Set(account.name.as_str().to_owned()),
        permissions: Set(account.permissions.join(" ")),
        version: Set(account.version),
        created: Set(account.created.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds an account within a scope, once all contexts know it; while it is changed it is as it was.
pub(crate) async fn find_in_scope<C: ConnectionTrait>(
    connection: &C,
    id: ServiceAccountId,
    scope: &Scope,
) -> Result<Option<ServiceAccount>, Error> {
    let found = visible(scope).filter(Column::ServiceAccountId.eq(id.as_uuid()));
    found.one(connection).await?.as_ref().map(read).transpose()
}

/// Lists accounts within a scope in order of creation.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: Option<ServiceAccountId>,
    size: PageSize,
) -> Result<Page<ServiceAccount>, Error> {
    let mut found = visible(scope).order_by_asc(Column::ServiceAccountId).limit(u64::from(size.get()) + 1);
    if let Some(after) = after {
        found = found.filter(Column::ServiceAccountId.gt(after.as_uuid()));
    }
    let accounts = found.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(accounts, size))
}

/// Finds the name of an account.
pub(crate) async fn find_name<C: ConnectionTrait>(connection: &C, id: SubjectId) -> Result<Option<String>, Error> {
    Ok(Entity::find_by_id(id.as_uuid()).one(connection).await?.map(|row| row.name))
}

/// Finds an account, whoever asks.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    id: ServiceAccountId,
) -> Result<Option<ServiceAccount>, Error> {
    Entity::find_by_id(id.as_uuid()).one(connection).await?.as_ref().map(read).transpose()
}

/// Writes the name and the permissions of the account that a permit was given for; `false` when it is gone, or was
/// changed since this version of it was read.
pub(crate) async fn update(tx: &Tx, permit: &Permit, account: &ServiceAccount, read: i64) -> Result<bool, Error> {
    let Some(subject) = permit.facts().subject_id else {
        return Ok(false);
    };
    let done = Entity::update_many()
        .col_expr(Column::Name, Expr::value(account.name.as_str()))
        .col_expr(Column::Permissions, Expr::value(account.permissions.join(" ")))
        .col_expr(Column::Version, Expr::value(account.version))
        .filter(Column::ServiceAccountId.eq(subject.as_uuid()))
        .filter(Column::Version.eq(read))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes the account that a permit was given for, and its keys; `false` when it is gone.
pub(crate) async fn delete(tx: &Tx, permit: &Permit) -> Result<bool, Error> {
    let Some(subject) = permit.facts().subject_id else {
        return Ok(false);
    };
    let done = Entity::delete_by_id(subject.as_uuid()).exec(tx).await?;
    Ok(done.rows_affected == 1)
}

fn visible(scope: &Scope) -> Select<Entity> {
    let unfinished = Query::select()
        .expr(Expr::val(1))
        .from(saga::Entity)
        .and_where(Expr::col((saga::Entity, saga::Column::SagaId)).equals((Entity, Column::ServiceAccountId)))
        .and_where(Expr::col((saga::Entity, saga::Column::Kind)).ne(SagaKind::UpdateServiceAccount.as_str()))
        .to_owned();
    let own = condition(scope, (Entity, Column::OrganizationId), (Entity, Column::ServiceAccountId));
    Entity::find().filter(own).filter(Expr::exists(unfinished).not())
}

fn read(row: &Model) -> Result<ServiceAccount, Error> {
    Ok(ServiceAccount {
        service_account_id: ServiceAccountId::from_uuid(row.service_account_id),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        name: PersonName::parse(&row.name).map_err(|_| corrupt("service account"))?,
        permissions: row.permissions.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        version: row.version,
        created: Timestamp::from_micros(row.created),
    })
}
