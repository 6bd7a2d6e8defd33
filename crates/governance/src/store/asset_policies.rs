//! Asset policies.

mod row;

use std::collections::HashSet;

use rolecall_authz::{Filter, Permit, Scope};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{AssetPolicyId, DatasetId, ModelId, OrganizationId, SubjectId};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Position;
use sea_orm::sea_query::{Alias, Expr, JoinType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Set,
};
use uuid::Uuid;

use self::row::{from_row, to_row};
use super::beneficiaries;
use super::entity::asset_policy::{Column, Entity};
use super::entity::{asset_policy_beneficiary as beneficiary, asset_policy_dataset as dataset};
use crate::domain::asset_policy::{AssetPolicy, Beneficiary, PrivacyControls};

/// Adds a policy.
pub(crate) async fn insert(tx: &Tx, policy: &AssetPolicy, hashes: &KeyedHash) -> Result<(), Error> {
    Entity::insert(to_row(policy)).exec_without_returning(tx).await?;
    insert_datasets(tx, policy.asset_policy_id, policy.terms.datasets.iter().copied()).await?;
    beneficiaries::insert(tx, policy.asset_policy_id, policy.terms.beneficiaries.iter(), hashes).await
}

async fn insert_datasets(
    tx: &Tx,
    policy: AssetPolicyId,
    datasets: impl Iterator<Item = DatasetId>,
) -> Result<(), Error> {
    let rows: Vec<dataset::ActiveModel> = datasets
        .map(|id| dataset::ActiveModel { asset_policy_id: Set(policy.as_uuid()), dataset_id: Set(id.as_uuid()) })
        .collect();
    if !rows.is_empty() {
        dataset::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Counts the policies of an organization, whatever their state.
pub(crate) async fn count(tx: &Tx, organization: OrganizationId) -> Result<u64, Error> {
    Ok(Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid())).count(tx).await?)
}

/// The policies of the scope; `None` when there can be none.
fn within(scope: &Scope) -> Option<Select<Entity>> {
    match scope.as_organization_filter() {
        Filter::All => Some(Entity::find()),
        Filter::Organizations(ids) => {
            Some(Entity::find().filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))))
        }
        Filter::Subject(_) | Filter::Nothing => None,
    }
}

/// The datasets of policies, in order.
async fn datasets<C: ConnectionTrait>(connection: &C, policies: &[Uuid]) -> Result<Vec<(Uuid, DatasetId)>, Error> {
    let query = dataset::Entity::find().filter(dataset::Column::AssetPolicyId.is_in(policies.iter().copied()));
    let rows = query.order_by_asc(dataset::Column::DatasetId).all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.asset_policy_id, DatasetId::from_uuid(row.dataset_id))).collect())
}

async fn read_whole<C: ConnectionTrait>(connection: &C, query: Select<Entity>) -> Result<Option<AssetPolicy>, Error> {
    let Some(row) = query.one(connection).await? else { return Ok(None) };
    let datasets = datasets(connection, &[row.asset_policy_id]).await?;
    let mut policy = from_row(&row, datasets.into_iter().map(|(_, id)| id).collect())?;
    policy.terms.beneficiaries = beneficiaries::list(connection, policy.asset_policy_id).await?;
    Ok(Some(policy))
}

/// The datasets that policies in force open to a subject, as a part of other queries.
///
/// It begins at what is few, the policies that name the subject, and asks the table each time: who is taken from a
/// policy, and whoever a revoked one named, reaches nothing from that commit on.
pub(super) fn opened_to(subject: SubjectId, now: Timestamp) -> SelectStatement {
    let policy = |column: Column| Expr::col((Entity, column));
    let organization = |name: &'static str| Expr::col((Alias::new("organizations"), Alias::new(name)));
    let open = Condition::all()
        .add(Expr::col((beneficiary::Entity, beneficiary::Column::UserId)).eq(subject.as_uuid()))
        .add(policy(Column::State).eq("ACTIVE"))
        .add(Condition::any().add(policy(Column::Starts).is_null()).add(policy(Column::Starts).lte(now.as_micros())))
        .add(Condition::any().add(policy(Column::Ends).is_null()).add(policy(Column::Ends).gt(now.as_micros())))
        // Nobody computes on what a suspended organization has.
        .add(organization("state").eq("ACTIVE"))
        .add(organization("suspended_since").is_null());
    let same = |one: Expr, other: Expr| Condition::all().add(one.eq(other));
    Query::select()
        .expr(Expr::col((dataset::Entity, dataset::Column::DatasetId)))
        .from(beneficiary::Entity)
        .join(
            JoinType::InnerJoin,
            Entity,
            same(policy(Column::AssetPolicyId), Expr::col((beneficiary::Entity, beneficiary::Column::AssetPolicyId))),
        )
        .join(
            JoinType::InnerJoin,
            dataset::Entity,
            same(Expr::col((dataset::Entity, dataset::Column::AssetPolicyId)), policy(Column::AssetPolicyId)),
        )
        .join(
            JoinType::InnerJoin,
            Alias::new("organizations"),
            same(organization("organization_id"), policy(Column::OrganizationId)),
        )
        .cond_where(open)
        .take()
}

/// Lists the policies in force that open some of the datasets to a subject, in order of their creation, without
/// beneficiaries.
pub(crate) async fn list_opening(
    tx: &Tx,
    subject: SubjectId,
    datasets: &[DatasetId],
    now: Timestamp,
) -> Result<Vec<AssetPolicy>, Error> {
    let named = datasets.iter().map(|id| id.as_uuid());
    let opening = opened_to(subject, now)
        .clear_selects()
        .expr(Expr::col((Entity, Column::AssetPolicyId)))
        .and_where(Expr::col((dataset::Entity, dataset::Column::DatasetId)).is_in(named))
        .take();
    list_whole(tx, Entity::find().filter(Column::AssetPolicyId.in_subquery(opening))).await
}

/// Reads policies with their datasets, without beneficiaries, in order of their creation.
async fn list_whole<C: ConnectionTrait>(connection: &C, query: Select<Entity>) -> Result<Vec<AssetPolicy>, Error> {
    let rows = query.order_by_asc(Column::Created).order_by_asc(Column::AssetPolicyId).all(connection).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.asset_policy_id).collect();
    let datasets = datasets(connection, &ids).await?;
    let of = |id: Uuid| datasets.iter().filter(|(policy, _)| *policy == id).map(|(_, dataset)| *dataset).collect();
    Ok(rows.iter().map(|row| from_row(row, of(row.asset_policy_id))).collect::<Result<_, _>>()?)
}

fn these(policies: &[AssetPolicyId]) -> Select<Entity> {
    Entity::find().filter(Column::AssetPolicyId.is_in(policies.iter().map(|id| id.as_uuid())))
}

/// Returns what policies demand, as they say now.
pub(crate) async fn list_controls<C: ConnectionTrait>(
    connection: &C,
    policies: &[AssetPolicyId],
) -> Result<Vec<(AssetPolicyId, PrivacyControls)>, Error> {
    let rows = these(policies).order_by_asc(Column::AssetPolicyId).all(connection).await?;
    let read = |row| from_row(row, Vec::new()).map(|policy| (policy.asset_policy_id, policy.terms.controls));
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Returns when policies end by themselves.
pub(crate) async fn list_ends(tx: &Tx, policies: &[AssetPolicyId]) -> Result<Vec<Option<Timestamp>>, Error> {
    let rows = these(policies).all(tx).await?;
    Ok(rows.into_iter().map(|row| row.ends.map(Timestamp::from_micros)).collect())
}

/// Tells whether an active policy names a model.
pub(crate) async fn is_model_named(tx: &Tx, model: ModelId) -> Result<bool, Error> {
    let query = Entity::find().filter(Column::ModelId.eq(model.as_uuid())).filter(Column::State.eq("ACTIVE"));
    Ok(query.limit(1).one(tx).await?.is_some())
}

/// Returns which of the datasets an organization has.
pub(crate) async fn list_datasets_of<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
    datasets: &[DatasetId],
) -> Result<HashSet<DatasetId>, Error> {
    let rows = super::entity::dataset::Entity::find()
        .filter(super::entity::dataset::Column::OrganizationId.eq(organization.as_uuid()))
        .filter(super::entity::dataset::Column::DatasetId.is_in(datasets.iter().map(|id| id.as_uuid())))
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| DatasetId::from_uuid(row.dataset_id)).collect())
}

/// Finds a policy within the scope.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    id: AssetPolicyId,
) -> Result<Option<AssetPolicy>, Error> {
    let Some(query) = within(scope) else { return Ok(None) };
    read_whole(connection, query.filter(Column::AssetPolicyId.eq(id.as_uuid()))).await
}

/// Finds a policy within the scope and locks its row until the transaction ends.
pub(crate) async fn find_locked(tx: &Tx, scope: &Scope, id: AssetPolicyId) -> Result<Option<AssetPolicy>, Error> {
    let Some(query) = within(scope) else { return Ok(None) };
    read_whole(tx, query.filter(Column::AssetPolicyId.eq(id.as_uuid())).lock_for_update()).await
}

/// Which policies to list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Which {
    /// Only those that open this dataset.
    pub(crate) dataset: Option<DatasetId>,
    /// Only those in the state of this name.
    pub(crate) state: Option<&'static str>,
}

/// Lists policies of the scope in order of their creation, without beneficiaries and parameter bounds.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    which: Which,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<AssetPolicy>, Error> {
    let Some(mut query) = within(scope) else { return Ok(Vec::new()) };
    if let Some(state) = which.state {
        query = query.filter(Column::State.eq(state));
    }
    if let Some(id) = which.dataset {
        let opening = Query::select()
            .column(dataset::Column::AssetPolicyId)
            .from(dataset::Entity)
            .and_where(dataset::Column::DatasetId.eq(id.as_uuid()))
            .take();
        query = query.filter(Column::AssetPolicyId.in_subquery(opening));
    }
    if let Some(after) = after {
        query = query.filter(beyond(after));
    }
    list_whole(connection, query.limit(limit)).await
}

/// The rows after a position; spelled as a row comparison, which both databases answer from the index.
fn beyond(after: Position) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Created), Expr::col(Column::AssetPolicyId)]);
    let position = Expr::tuple([Expr::value(after.created.as_micros()), Expr::value(after.id)]);
    Condition::all().add(row.gt(position))
}

/// Writes what changed of a policy, which the permit says lies in the scope of the caller.
pub(crate) async fn update(
    tx: &Tx,
    permit: &Permit,
    before: &AssetPolicy,
    after: &AssetPolicy,
    hashes: &KeyedHash,
) -> Result<(), Error> {
    let (inside, id) = (permit.facts().organization_id.map(OrganizationId::as_uuid), after.asset_policy_id);
    let query = Entity::update_many()
        .set(to_row(after))
        .filter(Column::AssetPolicyId.eq(id.as_uuid()))
        .filter(Column::OrganizationId.eq(inside))
        .filter(Column::Version.eq(before.version));
    if query.exec(tx).await?.rows_affected != 1 {
        return Err(Error::Conflict);
    }
    let (old, new) = (&before.terms, &after.terms);
    let gone: Vec<Uuid> = old.datasets.iter().filter(|id| !new.datasets.contains(id)).map(|id| id.as_uuid()).collect();
    if !gone.is_empty() {
        dataset::Entity::delete_many()
            .filter(dataset::Column::AssetPolicyId.eq(id.as_uuid()))
            .filter(dataset::Column::DatasetId.is_in(gone))
            .exec(tx)
            .await?;
    }
    insert_datasets(tx, id, new.datasets.iter().copied().filter(|id| !old.datasets.contains(id))).await?;
    let gone: Vec<&Beneficiary> = old.beneficiaries.iter().filter(|known| !new.holds(&known.email)).collect();
    beneficiaries::delete(tx, id, &gone).await?;
    let added = new.beneficiaries.iter().filter(|known| !old.holds(&known.email));
    beneficiaries::insert(tx, id, added, hashes).await
}

/// Removes a policy, which the permit says lies in the scope of the caller.
pub(crate) async fn delete(tx: &Tx, permit: &Permit, id: AssetPolicyId) -> Result<(), Error> {
    let inside = permit.facts().organization_id.map(OrganizationId::as_uuid);
    let query =
        Entity::delete_many().filter(Column::AssetPolicyId.eq(id.as_uuid())).filter(Column::OrganizationId.eq(inside));
    if query.exec(tx).await?.rows_affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}
