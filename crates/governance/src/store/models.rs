//! Models and their versions.

use rolecall_authz::{Filter, Permit, Scope};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{ModelId, OrganizationId};
use rolecall_kernel::text::{Description, ResourceName};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Position;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select, Set,
};
use uuid::Uuid;

use super::corrupt;
use super::entity::model::{ActiveModel, Column, Entity, Model as Row};
use super::entity::model_version as version;
use crate::domain::model::{Draft, Model, ModelVersion, VersionName};
use crate::domain::name;
use crate::domain::schema::ParameterSchema;

fn from_row(row: &Row, versions: Vec<ModelVersion>) -> Result<Model, DbErr> {
    let description = Some(row.description.as_str()).filter(|text| !text.is_empty()).map(Description::parse);
    Ok(Model {
        model_id: ModelId::from_uuid(row.model_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        name: ResourceName::parse(&row.name).map_err(|_| corrupt("name of a model"))?,
        description: description.transpose().map_err(|_| corrupt("description of a model"))?,
        versions,
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
    })
}

fn from_version(row: version::Model) -> Result<ModelVersion, DbErr> {
    Ok(ModelVersion {
        draft: Draft {
            name: VersionName::parse(&row.name).map_err(|_| corrupt("name of a version"))?,
            parameter_schema: ParameterSchema::stored(row.parameter_schema),
            artifact_uri: row.artifact_uri,
            artifact_digest: row.artifact_digest,
        },
        created: Timestamp::from_micros(row.created),
        published: row.published.map(Timestamp::from_micros),
    })
}

fn to_row(model: &Model) -> ActiveModel {
    ActiveModel {
        model_id: Set(model.model_id.as_uuid()),
        organization_id: Set(model.organization_id.as_uuid()),
        name: Set(model.name.as_str().to_owned()),
        name_key: Set(name::key(&model.name)),
        description: Set(model.description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default()),
        version: Set(model.version),
        created: Set(model.created.as_micros()),
        updated: Set(model.updated.as_micros()),
    }
}

fn to_version(model: ModelId, version: &ModelVersion) -> version::ActiveModel {
    let draft = &version.draft;
    version::ActiveModel {
        model_id: Set(model.as_uuid()),
        name: Set(draft.name.as_str().to_owned()),
        parameter_schema: Set(draft.parameter_schema.as_str().to_owned()),
        artifact_uri: Set(draft.artifact_uri.clone()),
        artifact_digest: Set(draft.artifact_digest.clone()),
        created: Set(version.created.as_micros()),
        published: Set(version.published.map(Timestamp::as_micros)),
    }
}

/// Adds a model without versions; violates [`super::MODEL_NAME_KEY`] when the name is taken.
pub(crate) async fn insert(tx: &Tx, model: &Model) -> Result<(), Error> {
    Entity::insert(to_row(model)).exec_without_returning(tx).await?;
    Ok(())
}

/// The models of the scope; `None` when there can be none.
fn within(scope: &Scope) -> Option<Select<Entity>> {
    match scope.as_organization_filter() {
        Filter::All => Some(Entity::find()),
        Filter::Organizations(ids) => {
            Some(Entity::find().filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))))
        }
        Filter::Subject(_) | Filter::Nothing => None,
    }
}

async fn versions<C: ConnectionTrait>(connection: &C, model: Uuid) -> Result<Vec<ModelVersion>, Error> {
    let rows = version::Entity::find().filter(version::Column::ModelId.eq(model)).all(connection).await?;
    let mut versions = rows.into_iter().map(from_version).collect::<Result<Vec<_>, _>>()?;
    versions.sort_by(|one, other| (one.created, &one.draft.name).cmp(&(other.created, &other.draft.name)));
    Ok(versions)
}

/// Finds a model within the scope.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    id: ModelId,
) -> Result<Option<Model>, Error> {
    let Some(query) = within(scope) else { return Ok(None) };
    let row = query.filter(Column::ModelId.eq(id.as_uuid())).one(connection).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(from_row(&row, versions(connection, row.model_id).await?)?))
}

/// Finds a model within the scope and locks its row until the transaction ends.
pub(crate) async fn find_locked(tx: &Tx, scope: &Scope, id: ModelId) -> Result<Option<Model>, Error> {
    let Some(query) = within(scope) else { return Ok(None) };
    let row = query.filter(Column::ModelId.eq(id.as_uuid())).lock_for_update().one(tx).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(from_row(&row, versions(tx, row.model_id).await?)?))
}

/// Lists models of the scope in order of their registration, without their versions.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let Some(mut query) = within(scope) else { return Ok(Vec::new()) };
    if let Some(after) = after {
        query = query.filter(beyond(after));
    }
    let rows = query.order_by_asc(Column::Created).order_by_asc(Column::ModelId).limit(limit).all(connection).await?;
    Ok(rows.iter().map(|row| from_row(row, Vec::new())).collect::<Result<_, _>>()?)
}

/// The rows after a position; spelled as a row comparison, which both databases answer from the index.
fn beyond(after: Position) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Created), Expr::col(Column::ModelId)]);
    let position = Expr::tuple([Expr::value(after.created.as_micros()), Expr::value(after.id)]);
    Condition::all().add(row.gt(position))
}

/// Writes what changed of a model and its versions, which the permit says lies in the scope of the caller; violates
/// [`super::MODEL_NAME_KEY`] when the name is taken.
pub(crate) async fn update(tx: &Tx, permit: &Permit, before: &Model, after: &Model) -> Result<(), Error> {
    let inside = permit.facts().organization_id.map(OrganizationId::as_uuid);
    let query = Entity::update_many()
        .set(to_row(after))
        .filter(Column::ModelId.eq(after.model_id.as_uuid()))
        .filter(Column::OrganizationId.eq(inside))
        .filter(Column::Version.eq(before.version));
    if query.exec(tx).await?.rows_affected != 1 {
        return Err(Error::Conflict);
    }
    let is_other = |version: &&ModelVersion, others: &[ModelVersion]| !others.contains(version);
    for gone in before.versions.iter().filter(|version| is_other(version, &after.versions)) {
        // What is published is never replaced but by itself being published, so only drafts go.
        version::Entity::delete_many()
            .filter(version::Column::ModelId.eq(after.model_id.as_uuid()))
            .filter(version::Column::Name.eq(gone.draft.name.as_str()))
            .filter(version::Column::Published.is_null())
            .exec(tx)
            .await?;
    }
    for new in after.versions.iter().filter(|version| is_other(version, &before.versions)) {
        version::Entity::insert(to_version(after.model_id, new)).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Removes a model with its versions, which the permit says lies in the scope of the caller.
pub(crate) async fn delete(tx: &Tx, permit: &Permit, id: ModelId) -> Result<(), Error> {
    let inside = permit.facts().organization_id.map(OrganizationId::as_uuid);
    let query =
        Entity::delete_many().filter(Column::ModelId.eq(id.as_uuid())).filter(Column::OrganizationId.eq(inside));
    if query.exec(tx).await?.rows_affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}
