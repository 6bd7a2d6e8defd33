//! Mail domains that organizations claim.

use rolecall_authz::{Permit, Scope};
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{DomainId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::EmailDomain;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::corrupt;
use super::entity::domain::{ActiveModel, Column, Entity, Model};
use super::scope::condition;
use crate::domain::sso::Domain;

/// Inserts a domain; violates [`DOMAINS_ORGANIZATION_KEY`](super::DOMAINS_ORGANIZATION_KEY) when it is claimed already.
pub(crate) async fn insert(tx: &Tx, domain: &Domain) -> Result<(), Error> {
    let row = ActiveModel {
        domain_id: Set(domain.domain_id.as_uuid()),
        organization_id: Set(domain.organization_id.as_uuid()),
        name: Set(domain.name.as_str().to_owned()),
        token: Set(domain.token.clone()),
        verified: Set(domain.verified.map(Timestamp::as_micros)),
        checked: Set(domain.checked.map(Timestamp::as_micros)),
        created: Set(domain.created.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a domain within a scope.
pub(crate) async fn find_in_scope<C: ConnectionTrait>(
    connection: &C,
    id: DomainId,
    scope: &Scope,
) -> Result<Option<Domain>, Error> {
    let own = condition(scope, (Entity, Column::OrganizationId), (Entity, Column::DomainId));
    Entity::find_by_id(id.as_uuid()).filter(own).one(connection).await?.as_ref().map(read).transpose()
}

/// Finds the organization that proved a domain.
pub(crate) async fn find_owner<C: ConnectionTrait>(
    connection: &C,
    name: &str,
) -> Result<Option<OrganizationId>, Error> {
    let found = Entity::find().filter(Column::Name.eq(name)).filter(Column::Verified.is_not_null());
    Ok(found.one(connection).await?.map(|row| OrganizationId::from_uuid(row.organization_id)))
}

/// Lists domains within a scope in order of creation.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: Option<DomainId>,
    size: PageSize,
) -> Result<Page<Domain>, Error> {
    let own = condition(scope, (Entity, Column::OrganizationId), (Entity, Column::DomainId));
    let mut found = Entity::find().filter(own).order_by_asc(Column::DomainId).limit(u64::from(size.get()) + 1);
    if let Some(after) = after {
        found = found.filter(Column::DomainId.gt(after.as_uuid()));
    }
    let domains = found.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(domains, size))
}

/// Lists proven domains whose record was last seen before a time, those first that wait longest.
pub(crate) async fn list_due<C: ConnectionTrait>(
    connection: &C,
    before: Timestamp,
    most: u64,
) -> Result<Vec<Domain>, Error> {
    let due = Entity::find()
        .filter(Column::Verified.is_not_null())
        .filter(Column::Checked.lt(before.as_micros()))
        .order_by_asc(Column::Checked)
        .limit(most);
    due.all(connection).await?.iter().map(read).collect()
}

/// Counts the domains of an organization.
pub(crate) async fn count(tx: &Tx, organization: OrganizationId) -> Result<u64, Error> {
    Ok(Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid())).count(tx).await?)
}

/// Notes that a domain is proven; `false` when it is gone. Violates [`DOMAINS_NAME_KEY`](super::DOMAINS_NAME_KEY) when
/// another organization proved it.
pub(crate) async fn note_proof(tx: &Tx, domain: &Domain) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::Verified, Expr::value(domain.verified.map(Timestamp::as_micros)))
        .col_expr(Column::Checked, Expr::value(domain.checked.map(Timestamp::as_micros)))
        .filter(Column::DomainId.eq(domain.domain_id.as_uuid()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes a domain of the organization that a permit was given for; `false` when it is gone.
pub(crate) async fn delete(tx: &Tx, permit: &Permit, id: DomainId) -> Result<bool, Error> {
    let Some(organization) = permit.facts().organization_id else {
        return Ok(false);
    };
    let own = Entity::delete_by_id(id.as_uuid()).filter(Column::OrganizationId.eq(organization.as_uuid()));
    Ok(own.exec(tx).await?.rows_affected == 1)
}

/// Deletes all domains of an organization; others may prove them from now on.
pub(crate) async fn delete_all(tx: &Tx, organization: OrganizationId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization.as_uuid())).exec(tx).await?;
    Ok(())
}

fn read(row: &Model) -> Result<Domain, Error> {
    Ok(Domain {
        domain_id: DomainId::from_uuid(row.domain_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        name: EmailDomain::parse(&row.name).map_err(|_| corrupt("domain"))?,
        token: row.token.clone(),
        verified: row.verified.map(Timestamp::from_micros),
        checked: row.checked.map(Timestamp::from_micros),
        created: Timestamp::from_micros(row.created),
    })
}
