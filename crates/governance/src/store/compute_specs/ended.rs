//! Specs that stand on something that ended.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{AssetPolicyId, DatasetId};
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, Statement, Value,
};
use uuid::Uuid;

use super::{STANDING, read_all};
use crate::domain::compute_spec::{Cause, ComputeSpec};
use crate::store::entity::compute_spec::{Column, Entity};
use crate::store::entity::compute_spec_dataset as dataset;

/// How many are ended at once by the work that nobody asks for.
const BATCH: i64 = 100;

async fn list(tx: &Tx, ids: SelectStatement) -> Result<Vec<ComputeSpec>, Error> {
    let query = Entity::find().filter(Column::ComputeSpecId.in_subquery(ids)).filter(Column::State.is_in(STANDING));
    read_all(tx, query.order_by_asc(Column::Created).order_by_asc(Column::ComputeSpecId).all(tx).await?).await
}

/// Lists what stands on a policy.
pub(crate) async fn list_standing_on_policy(tx: &Tx, policy: AssetPolicyId) -> Result<Vec<ComputeSpec>, Error> {
    let ids = Query::select()
        .column(dataset::Column::ComputeSpecId)
        .from(dataset::Entity)
        .and_where(dataset::Column::AssetPolicyId.eq(policy.as_uuid()))
        .take();
    list(tx, ids).await
}

/// Lists what stands on a dataset.
pub(crate) async fn list_standing_on_dataset(tx: &Tx, id: DatasetId) -> Result<Vec<ComputeSpec>, Error> {
    let ids = Query::select()
        .column(dataset::Column::ComputeSpecId)
        .from(dataset::Entity)
        .and_where(dataset::Column::DatasetId.eq(id.as_uuid()))
        .take();
    list(tx, ids).await
}

/// What has ended by itself, or in the part of this context about people: the time of a policy, the operation of an
/// organization, an account. A member exists as long as its account does.
const GONE: [(Cause, &str); 3] = [
    (
        Cause::PolicyExpired,
        "SELECT s.compute_spec_id AS id FROM compute_specs s \
         WHERE s.state IN ('SUBMITTED', 'PARTLY_APPROVED', 'APPROVED') AND s.expires <= $1 \
         ORDER BY s.expires, s.compute_spec_id LIMIT $2",
    ),
    (
        Cause::OrganizationSuspended,
        "SELECT DISTINCT s.compute_spec_id AS id FROM compute_specs s \
         JOIN compute_spec_parts p ON p.compute_spec_id = s.compute_spec_id \
         LEFT JOIN organizations o ON o.organization_id = p.organization_id \
         LEFT JOIN organizations h ON h.organization_id = s.organization_id \
         WHERE s.state IN ('SUBMITTED', 'PARTLY_APPROVED', 'APPROVED') AND s.created <= $1 \
         AND (o.organization_id IS NULL OR o.state <> 'ACTIVE' OR o.suspended_since IS NOT NULL \
         OR h.state <> 'ACTIVE' OR h.suspended_since IS NOT NULL) LIMIT $2",
    ),
    (
        Cause::CreatorDeleted,
        "SELECT s.compute_spec_id AS id FROM compute_specs s \
         LEFT JOIN members m ON m.user_id = s.creator_id \
         WHERE s.state IN ('SUBMITTED', 'PARTLY_APPROVED', 'APPROVED') AND s.created <= $1 AND m.user_id IS NULL \
         ORDER BY s.compute_spec_id LIMIT $2",
    ),
];

/// Lists some of what stands on something that ended, and what that is.
pub(crate) async fn list_gone<C: ConnectionTrait>(
    connection: &C,
    now: Timestamp,
) -> Result<Vec<(Cause, ComputeSpec)>, Error> {
    let mut gone: Vec<(Cause, ComputeSpec)> = Vec::new();
    for (cause, text) in GONE {
        let values: Vec<Value> = vec![now.as_micros().into(), BATCH.into()];
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), text, values);
        let rows = connection.query_all_raw(statement).await?;
        let ids = rows.iter().map(|row| row.try_get::<Uuid>("", "id")).collect::<Result<Vec<_>, _>>()?;
        let fresh = ids.into_iter().filter(|id| gone.iter().all(|(_, spec)| spec.compute_spec_id.as_uuid() != *id));
        let query = Entity::find().filter(Column::ComputeSpecId.is_in(fresh)).order_by_asc(Column::ComputeSpecId);
        gone.extend(read_all(connection, query.all(connection).await?).await?.into_iter().map(|spec| (cause, spec)));
    }
    Ok(gone)
}
