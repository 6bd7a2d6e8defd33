//! Compute specs.

mod ended;
mod row;
mod runs;
mod seen;

use std::collections::BTreeMap;

use rolecall_authz::Permit;
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{AssetPolicyId, ComputeSpecId, DatasetId, OrganizationId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Position;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    Select, Set,
};
use uuid::Uuid;

pub(crate) use self::ended::{list_gone, list_standing_on_dataset, list_standing_on_policy};
use self::row::{from_rows, to_part, to_row};
pub(crate) use self::runs::{count as count_runs, find as find_run, list_latest as list_runs, put as put_run};
pub(crate) use self::seen::Which;
use super::entity::compute_spec::{Column, Entity, Model as Row};
use super::entity::{compute_spec_dataset as dataset, compute_spec_part as part};
use crate::domain::compute_spec::{ComputeSpec, Sight};

/// The names of the states of what was submitted and has not ended.
const STANDING: [&str; 3] = ["SUBMITTED", "PARTLY_APPROVED", "APPROVED"];

/// Adds a spec.
pub(crate) async fn insert(tx: &Tx, spec: &ComputeSpec) -> Result<(), Error> {
    let id = spec.compute_spec_id.as_uuid();
    Entity::insert(to_row(spec)).exec_without_returning(tx).await?;
    let parts = spec.parts.iter().map(|part| to_part(id, part));
    part::Entity::insert_many(parts).exec_without_returning(tx).await?;
    let touched = spec.parts.iter().flat_map(|part| {
        part.datasets.iter().map(move |(dataset_id, pin)| dataset::ActiveModel {
            compute_spec_id: Set(id),
            dataset_id: Set(dataset_id.as_uuid()),
            organization_id: Set(part.organization_id.as_uuid()),
            asset_policy_id: Set(pin.map(AssetPolicyId::as_uuid)),
        })
    });
    dataset::Entity::insert_many(touched).exec_without_returning(tx).await?;
    Ok(())
}

/// Counts the specs of a creator: those that have not ended, and those created after a time.
pub(crate) async fn count_of(tx: &Tx, creator: UserId, after: Timestamp) -> Result<(u64, u64), Error> {
    let own = || Entity::find().filter(Column::CreatorId.eq(creator.as_uuid()));
    let open = own().filter(Column::Ended.is_null()).count(tx).await?;
    let recent = own().filter(Column::Created.gt(after.as_micros())).count(tx).await?;
    Ok((open, recent))
}

/// Counts what was submitted, has not ended and touches datasets of an organization.
pub(crate) async fn count_touching(tx: &Tx, organization: OrganizationId) -> Result<u64, Error> {
    let touching = Query::select()
        .column(part::Column::ComputeSpecId)
        .from(part::Entity)
        .and_where(part::Column::OrganizationId.eq(organization.as_uuid()))
        .take();
    let query =
        Entity::find().filter(Column::State.is_in(STANDING)).filter(Column::ComputeSpecId.in_subquery(touching));
    Ok(query.count(tx).await?)
}

/// Reads whole specs from their rows, in the order of the rows.
async fn read_all<C: ConnectionTrait>(connection: &C, rows: Vec<Row>) -> Result<Vec<ComputeSpec>, Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.compute_spec_id).collect();
    let found = part::Entity::find().filter(part::Column::ComputeSpecId.is_in(ids.iter().copied()));
    let mut parts: BTreeMap<Uuid, Vec<part::Model>> = BTreeMap::new();
    for part in found.all(connection).await? {
        parts.entry(part.compute_spec_id).or_default().push(part);
    }
    let found = dataset::Entity::find().filter(dataset::Column::ComputeSpecId.is_in(ids));
    let mut touched: BTreeMap<Uuid, Vec<dataset::Model>> = BTreeMap::new();
    for dataset in found.all(connection).await? {
        touched.entry(dataset.compute_spec_id).or_default().push(dataset);
    }
    let whole = |row: &Row| {
        let id = row.compute_spec_id;
        from_rows(row, &parts.remove(&id).unwrap_or_default(), &touched.remove(&id).unwrap_or_default())
    };
    Ok(rows.iter().map(whole).collect::<Result<_, _>>()?)
}

async fn read_one<C: ConnectionTrait>(connection: &C, query: Select<Entity>) -> Result<Option<ComputeSpec>, Error> {
    let rows = query.one(connection).await?.into_iter().collect();
    Ok(read_all(connection, rows).await?.pop())
}

/// Finds a spec that is seen, at least in part.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    sight: &Sight,
    id: ComputeSpecId,
) -> Result<Option<ComputeSpec>, Error> {
    let Some(seen) = seen::condition(sight) else { return Ok(None) };
    read_one(connection, Entity::find_by_id(id.as_uuid()).filter(seen)).await
}

/// Finds a spec that is seen, at least in part, and locks its row until the transaction ends.
pub(crate) async fn find_locked(tx: &Tx, sight: &Sight, id: ComputeSpecId) -> Result<Option<ComputeSpec>, Error> {
    let Some(seen) = seen::condition(sight) else { return Ok(None) };
    read_one(tx, Entity::find_by_id(id.as_uuid()).filter(seen).lock_for_update()).await
}

/// Lists specs that are seen, at least in part, in order of their creation.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    sight: &Sight,
    which: &Which,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<ComputeSpec>, Error> {
    let Some(query) = seen::page(sight, which, after, limit) else { return Ok(Vec::new()) };
    read_all(connection, query.all(connection).await?).await
}

/// Whoever changes a spec: its creator, its organization, or one whose datasets it touches.
fn is_concerned(permit: &Permit, spec: &ComputeSpec) -> bool {
    let facts = permit.facts();
    let inside = |id: OrganizationId| id == spec.organization_id || spec.part(id).is_some();
    facts.subject_id == Some(SubjectId::from(spec.creator)) || facts.organization_id.is_some_and(inside)
}

/// Writes what changed of a spec, with which the permit says the caller is concerned.
pub(crate) async fn update(tx: &Tx, permit: &Permit, before: &ComputeSpec, after: &ComputeSpec) -> Result<(), Error> {
    if !is_concerned(permit, before) {
        return Err(Error::Conflict);
    }
    write(tx, before, after).await
}

/// Writes that something ended on which a spec stood; nobody's doing.
pub(crate) async fn end(tx: &Tx, before: &ComputeSpec, after: &ComputeSpec) -> Result<(), Error> {
    write(tx, before, after).await
}

async fn write(tx: &Tx, before: &ComputeSpec, after: &ComputeSpec) -> Result<(), Error> {
    let id = after.compute_spec_id.as_uuid();
    let query = Entity::update_many()
        .set(to_row(after))
        .filter(Column::ComputeSpecId.eq(id))
        .filter(Column::Version.eq(before.version));
    if query.exec(tx).await?.rows_affected != 1 {
        return Err(Error::Conflict);
    }
    for new in
        after.parts.iter().filter(|new| before.part(new.organization_id).map(|old| &old.verdict) != Some(&new.verdict))
    {
        part::Entity::update_many()
            .set(to_part(id, new))
            .filter(part::Column::ComputeSpecId.eq(id))
            .filter(part::Column::OrganizationId.eq(new.organization_id.as_uuid()))
            .exec(tx)
            .await?;
    }
    let old: BTreeMap<DatasetId, _> = before.pins().collect();
    for (dataset_id, pin) in after.pins().filter(|(id, pin)| old.get(id) != Some(pin)) {
        dataset::Entity::update_many()
            .col_expr(dataset::Column::AssetPolicyId, Expr::value(pin.map(AssetPolicyId::as_uuid)))
            .filter(dataset::Column::ComputeSpecId.eq(id))
            .filter(dataset::Column::DatasetId.eq(dataset_id.as_uuid()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Tells whether a spec that was submitted and has not ended names a model.
pub(crate) async fn is_model_named(tx: &Tx, model: rolecall_kernel::id::ModelId) -> Result<bool, Error> {
    let query = Entity::find().filter(Column::ModelId.eq(model.as_uuid())).filter(Column::State.is_in(STANDING));
    Ok(query.order_by_asc(Column::ComputeSpecId).one(tx).await?.is_some())
}
