//! Runs of compute specs.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::ComputeSpecId;
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set,
};

use crate::domain::compute_spec::{Run, RunName, RunState};
use crate::store::corrupt;
use crate::store::entity::compute_spec_run::{ActiveModel, Column, Entity, Model as Row};

fn from_row(row: &Row) -> Result<Run, DbErr> {
    Ok(Run {
        name: RunName::parse(&row.run_id).map_err(|_| corrupt("name of a run"))?,
        state: RunState::parse(&row.state).ok_or_else(|| corrupt("state of a run"))?,
        detail: row.detail.clone(),
        started: Timestamp::from_micros(row.started),
        updated: Timestamp::from_micros(row.updated),
    })
}

/// Finds a run of a spec.
pub(crate) async fn find(tx: &Tx, spec: ComputeSpecId, name: &RunName) -> Result<Option<Run>, Error> {
    let row = Entity::find_by_id((spec.as_uuid(), name.as_str().to_owned())).one(tx).await?;
    Ok(row.as_ref().map(from_row).transpose()?)
}

/// Counts the runs of a spec.
pub(crate) async fn count(tx: &Tx, spec: ComputeSpecId) -> Result<u64, Error> {
    Ok(Entity::find().filter(Column::ComputeSpecId.eq(spec.as_uuid())).count(tx).await?)
}

/// Lists the latest runs of a spec, newest first.
pub(crate) async fn list_latest<C: ConnectionTrait>(
    connection: &C,
    spec: ComputeSpecId,
    limit: u64,
) -> Result<Vec<Run>, Error> {
    let query = Entity::find().filter(Column::ComputeSpecId.eq(spec.as_uuid()));
    let rows = query.order_by_desc(Column::Started).order_by_desc(Column::RunId).limit(limit).all(connection).await?;
    Ok(rows.iter().map(from_row).collect::<Result<_, _>>()?)
}

/// Adds a run, or writes how far it has come.
pub(crate) async fn put(tx: &Tx, spec: ComputeSpecId, run: &Run) -> Result<(), Error> {
    let row = ActiveModel {
        compute_spec_id: Set(spec.as_uuid()),
        run_id: Set(run.name.as_str().to_owned()),
        state: Set(run.state.name().to_owned()),
        detail: Set(run.detail.clone()),
        started: Set(run.started.as_micros()),
        updated: Set(run.updated.as_micros()),
    };
    let known = OnConflict::columns([Column::ComputeSpecId, Column::RunId])
        .update_columns([Column::State, Column::Detail, Column::Updated])
        .to_owned();
    Entity::insert(row).on_conflict(known).exec_without_returning(tx).await?;
    Ok(())
}
