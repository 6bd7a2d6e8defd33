//! Templates of organizations; no version is ever changed.

use rolecall_authz::{Permit, RowFacts, Scope, scope};
use rolecall_db::{Error, LockRows as _, Reader, Tx};
use rolecall_kernel::id::{OrganizationId, TemplateId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::template::{ActiveModel, Column, Entity, Model};
use super::entity::template_version as version;
use crate::domain::own_template::{Content, Head, Name, OwnTemplate};

/// The constraint that holds a name once in an organization.
pub(crate) const NAME: &str = "templates_name_key";

/// Stores a template with its first version.
pub(crate) async fn insert(tx: &Tx, template: &OwnTemplate) -> Result<(), Error> {
    let row = ActiveModel {
        template_id: Set(template.template_id.as_uuid()),
        organization_id: Set(template.organization_id.as_uuid()),
        name: Set(template.name.as_str().to_owned()),
        version: Set(template.version),
        created: Set(template.created.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    insert_version(tx, template).await
}

/// Publishes the next version of a template that was locked.
pub(crate) async fn update(tx: &Tx, template: &OwnTemplate, _: &Permit) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Version, Expr::value(template.version))
        .filter(Column::TemplateId.eq(template.template_id.as_uuid()))
        .exec(tx)
        .await?;
    insert_version(tx, template).await
}

async fn insert_version(tx: &Tx, template: &OwnTemplate) -> Result<(), Error> {
    let content = serde_json::to_string(&template.content).map_err(|error| DbErr::Json(error.to_string()))?;
    let row = version::ActiveModel {
        template_id: Set(template.template_id.as_uuid()),
        version: Set(template.version),
        content: Set(content),
        published: Set(template.updated.as_micros()),
    };
    version::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Deletes a template that was locked, with all its versions.
pub(crate) async fn delete(tx: &Tx, id: TemplateId, _: &Permit) -> Result<(), Error> {
    version::Entity::delete_many().filter(version::Column::TemplateId.eq(id.as_uuid())).exec(tx).await?;
    Entity::delete_by_id(id.as_uuid()).exec(tx).await?;
    Ok(())
}

/// Counts the templates of an organization.
pub(crate) async fn count(tx: &Tx, organization: OrganizationId) -> Result<u64, Error> {
    Ok(Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid())).count(tx).await?)
}

/// Lists templates within a scope in order of creation.
pub(crate) async fn list(
    reader: &Reader,
    scope: &Scope,
    organization: Option<OrganizationId>,
    after: Option<TemplateId>,
    size: PageSize,
) -> Result<Page<Head>, Error> {
    let mut condition = within(scope);
    if let Some(organization) = organization {
        condition = condition.add(Column::OrganizationId.eq(organization.as_uuid()));
    }
    if let Some(after) = after {
        condition = condition.add(Column::TemplateId.gt(after.as_uuid()));
    }
    let query = Entity::find().filter(condition).order_by_asc(Column::TemplateId);
    let rows = query.limit(u64::from(size.get()) + 1).all(reader).await?;
    Ok(Page::from_overfetch(rows.iter().map(read).collect::<Result<_, _>>()?, size))
}

/// Looks for a version of a template within a scope, the latest when none is named.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    id: TemplateId,
    number: Option<i32>,
) -> Result<Option<OwnTemplate>, Error> {
    let row = Entity::find().filter(of(scope, id)).one(connection).await?;
    let Some(head) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    with_content(connection, head, number).await
}

/// The same, the latest, and locks it.
pub(crate) async fn lock(tx: &Tx, scope: &Scope, id: TemplateId) -> Result<Option<(OwnTemplate, Permit)>, Error> {
    let row = Entity::find().filter(of(scope, id)).lock_for_update().one(tx).await?;
    let Some(head) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    let facts = RowFacts { organization_id: Some(head.organization_id), subject_id: None };
    Ok(with_content(tx, head, None).await?.zip(scope.permit(facts)))
}

async fn with_content<C: ConnectionTrait>(
    connection: &C,
    head: Head,
    number: Option<i32>,
) -> Result<Option<OwnTemplate>, Error> {
    let key = (head.template_id.as_uuid(), number.unwrap_or(head.latest));
    let Some(row) = version::Entity::find_by_id(key).one(connection).await? else { return Ok(None) };
    let content: Content = serde_json::from_str(&row.content).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(Some(OwnTemplate {
        template_id: head.template_id,
        organization_id: head.organization_id,
        name: head.name,
        version: row.version,
        latest: head.latest,
        content,
        created: head.created,
        updated: Timestamp::from_micros(row.published),
    }))
}

fn of(scope: &Scope, id: TemplateId) -> Condition {
    within(scope).add(Column::TemplateId.eq(id.as_uuid()))
}

fn within(scope: &Scope) -> Condition {
    let all = Condition::all();
    match scope.as_organization_filter() {
        scope::Filter::All => all,
        scope::Filter::Organizations(ids) => all.add(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))),
        scope::Filter::Subject(_) | scope::Filter::Nothing => all.add(Expr::cust("1 = 0")),
    }
}

fn read(row: &Model) -> Result<Head, Error> {
    let name = Name::parse(&row.name).map_err(|error| DbErr::Custom(error.to_string()))?;
    Ok(Head {
        template_id: TemplateId::from_uuid(row.template_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        name,
        latest: row.version,
        created: Timestamp::from_micros(row.created),
    })
}
