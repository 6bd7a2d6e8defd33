//! Templates of organizations; no version is ever changed.

use std::collections::{HashMap, HashSet};

use rolecall_authz::{Permit, RowFacts, Scope, scope};
use rolecall_db::{Backend, Error, LockRows as _, Reader, Tx};
use rolecall_kernel::id::{OrganizationId, TemplateId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::{Content, Name};
use sea_orm::prelude::{Expr, Uuid};
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::template::{ActiveModel, Column, Entity, Model};
use super::entity::template_version as version;
use crate::domain::own_template::{Head, OwnTemplate};

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
        deleted: Set(None),
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

/// Deletes a template that was locked: nobody finds it any more, and its name is free. What was accepted with it is still
/// sent with it, so its versions go when nothing is left that was.
pub(crate) async fn delete(tx: &Tx, id: TemplateId, _: &Permit, now: Timestamp) -> Result<(), Error> {
    delete_where(tx, Column::TemplateId.eq(id.as_uuid()), now).await
}

/// Deletes the templates of an organization that is gone.
pub(crate) async fn delete_all(tx: &Tx, organization: OrganizationId, now: Timestamp) -> Result<(), Error> {
    delete_where(tx, Column::OrganizationId.eq(organization.as_uuid()), now).await
}

async fn delete_where(tx: &Tx, which: SimpleExpr, now: Timestamp) -> Result<(), Error> {
    // No name begins with a dot, so what is gone stands in nobody's way.
    let unique = match tx.backend() {
        Backend::Postgres => "'.' || CAST(template_id AS text)",
        Backend::Sqlite => "'.' || lower(hex(template_id))",
    };
    Entity::update_many()
        .col_expr(Column::Name, Expr::cust(unique))
        .col_expr(Column::Deleted, Expr::value(now.as_micros()))
        .filter(which)
        .filter(Column::Deleted.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets up to `most` templates that were deleted before a time and that nothing was sent with; returns how many.
pub(crate) async fn delete_old(tx: &Tx, before: Timestamp, most: u64) -> Result<u64, Error> {
    let unused = "NOT EXISTS (SELECT 1 FROM notifications WHERE notifications.template_id = templates.template_id)";
    let old = Entity::find().select_only().column(Column::TemplateId).filter(Expr::cust("deleted IS NOT NULL"));
    let old = old.filter(Column::Deleted.lt(before.as_micros())).filter(Expr::cust(unused)).limit(most);
    let ids: Vec<Uuid> = old.into_tuple().all(tx).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    version::Entity::delete_many().filter(version::Column::TemplateId.is_in(ids.clone())).exec(tx).await?;
    Ok(Entity::delete_many().filter(Column::TemplateId.is_in(ids)).exec(tx).await?.rows_affected)
}

/// Looks for a version of a template of an organization by its name, the latest when none is named.
pub(crate) async fn find_by_name(
    reader: &Reader,
    organization: OrganizationId,
    name: &Name,
    number: Option<i32>,
) -> Result<Option<OwnTemplate>, Error> {
    let query = Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid()));
    let row = query.filter(Column::Name.eq(name.as_str())).one(reader).await?;
    let Some(head) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    with_content(reader, head, number).await
}

/// Tells whether a template is still there.
pub(crate) async fn is_there(tx: &Tx, id: TemplateId) -> Result<bool, Error> {
    let there = Entity::find_by_id(id.as_uuid()).filter(Column::Deleted.is_null());
    Ok(there.count(tx).await? > 0)
}

/// Reads versions of templates, also of those that were deleted.
pub(crate) async fn list_contents(
    tx: &Tx,
    versions: &HashSet<(TemplateId, i32)>,
) -> Result<HashMap<(TemplateId, i32), Content>, Error> {
    let mut found = HashMap::new();
    for &(id, number) in versions {
        let Some(row) = version::Entity::find_by_id((id.as_uuid(), number)).one(tx).await? else { continue };
        let content = serde_json::from_str(&row.content).map_err(|error| DbErr::Json(error.to_string()))?;
        found.insert((id, number), content);
    }
    Ok(found)
}

/// Counts the templates of an organization.
pub(crate) async fn count(tx: &Tx, organization: OrganizationId) -> Result<u64, Error> {
    let of_organization = Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid()));
    Ok(of_organization.filter(Column::Deleted.is_null()).count(tx).await?)
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
    let all = Condition::all().add(Column::Deleted.is_null());
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
