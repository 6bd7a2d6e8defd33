//! The head of the access changes, and the changes themselves.

use rolecall_authz::{Filter, Scope};
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Set, Statement, Value,
};
use uuid::Uuid;

use super::entity::access_change::{ActiveModel, Column, Entity, Model};
use crate::domain::event::Origin;

/// A change of somebody's access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessChange {
    /// The revision that was drawn for it.
    pub revision: i64,
    /// Whose access changed.
    pub subject_id: SubjectId,
    /// Where.
    pub organization_id: Option<OrganizationId>,
    /// The topic of the event that tells it.
    pub what: &'static str,
    /// When.
    pub occurred: Timestamp,
}

/// How far the changes have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The newest revision.
    pub revision: i64,
    /// The newest revision whose change is no longer kept.
    pub trimmed: i64,
}

fn statement<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// Draws the next revision, and keeps every other change of access waiting until the transaction ends.
///
/// It is the first statement of each such transaction: revisions are in the order of commits, and
/// what the guards count cannot change under them. Whoever follows the changes is told once it is committed.
pub async fn advance(tx: &Tx) -> Result<i64, Error> {
    let text = "UPDATE access_head SET revision = revision + 1 WHERE id = 1 RETURNING revision";
    let row = tx.query_one_raw(statement(tx, text, vec![])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("access_head".to_owned()))?;
    tx.announce_change();
    Ok(row.try_get("", "revision")?)
}

/// Gives back the revision that this transaction drew and wrote nothing under, and returns the one before: who follows
/// has nothing to learn, and nothing to forget.
pub(crate) async fn give_back(tx: &Tx) -> Result<i64, Error> {
    let text = "UPDATE access_head SET revision = revision - 1 WHERE id = 1 RETURNING revision";
    let row = tx.query_one_raw(statement(tx, text, vec![])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("access_head".to_owned()))?;
    Ok(row.try_get("", "revision")?)
}

/// Reads the head.
pub async fn head<C: ConnectionTrait>(connection: &C) -> Result<Head, Error> {
    let text = "SELECT revision, trimmed FROM access_head WHERE id = 1";
    let row = connection.query_one_raw(statement(connection, text, vec![])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("access_head".to_owned()))?;
    Ok(Head { revision: row.try_get("", "revision")?, trimmed: row.try_get("", "trimmed")? })
}

/// Writes down a change under the revision that was drawn for it.
pub async fn record(tx: &Tx, change: &AccessChange, origin: &Origin) -> Result<(), Error> {
    let row = ActiveModel {
        revision: Set(change.revision),
        subject_id: Set(change.subject_id.as_uuid()),
        organization_id: Set(change.organization_id.map(OrganizationId::as_uuid)),
        what: Set(change.what.to_owned()),
        actor_id: Set(origin.actor.map(SubjectId::as_uuid)),
        request_id: Set(origin.request_id.as_deref().map(str::to_owned)),
        occurred: Set(change.occurred.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes down under the revision that was drawn for it that the access of everybody changed who belongs to an
/// organization: the change bears the id of the organization in the place of a subject's.
pub async fn record_organization(
    tx: &Tx,
    revision: i64,
    organization: OrganizationId,
    what: &'static str,
    occurred: Timestamp,
    origin: &Origin,
) -> Result<(), Error> {
    let subject_id = SubjectId::from_uuid(organization.as_uuid());
    record(tx, &AccessChange { revision, subject_id, organization_id: Some(organization), what, occurred }, origin)
        .await
}

/// Writes down that the access of members of every organization changed: the change bears the nil id.
pub(crate) async fn record_everybody(
    tx: &Tx,
    revision: i64,
    what: &'static str,
    occurred: Timestamp,
    origin: &Origin,
) -> Result<(), Error> {
    record_organization(tx, revision, OrganizationId::from_uuid(Uuid::nil()), what, occurred, origin).await
}

/// Whose access changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concerned {
    /// One subject's.
    Subject(SubjectId),
    /// Everybody's who belongs to the organization.
    Organization(OrganizationId),
    /// Everybody's, whatever the organization.
    Everybody,
}

/// Lists revisions of the changes after a revision that lie in the scope, and whom they concern, in order.
pub(crate) async fn list_after<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: i64,
    up_to: i64,
    limit: u64,
) -> Result<Vec<(i64, Concerned)>, Error> {
    let query = Entity::find().filter(Column::Revision.gt(after)).filter(Column::Revision.lte(up_to));
    let query = match scope.as_organization_filter() {
        Filter::All => query,
        Filter::Organizations(ids) => {
            let ids = ids.iter().map(|id| id.as_uuid()).chain([Uuid::nil()]);
            query.filter(Column::OrganizationId.is_in(ids))
        }
        Filter::Subject(subject) => query.filter(Column::SubjectId.eq(subject.as_uuid())),
        Filter::Nothing => return Ok(Vec::new()),
    };
    let rows: Vec<Model> = query.order_by_asc(Column::Revision).limit(limit).all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.revision, concerned(&row))).collect())
}

fn concerned(row: &Model) -> Concerned {
    match row.organization_id {
        Some(id) if id.is_nil() => Concerned::Everybody,
        Some(id) if id == row.subject_id => Concerned::Organization(OrganizationId::from_uuid(id)),
        Some(_) | None => Concerned::Subject(SubjectId::from_uuid(row.subject_id)),
    }
}

/// Forgets changes older than `before`; who has not seen them yet is told to start anew.
pub(crate) async fn trim(tx: &Tx, before: Timestamp) -> Result<(), Error> {
    let newest = Entity::find()
        .filter(Column::Occurred.lt(before.as_micros()))
        .order_by_desc(Column::Revision)
        .limit(1)
        .one(tx)
        .await?;
    let Some(newest) = newest else { return Ok(()) };
    let text = "UPDATE access_head SET trimmed = $1 WHERE id = 1";
    tx.execute_raw(statement(tx, text, vec![newest.revision.into()])).await?;
    Entity::delete_many().filter(Column::Revision.lte(newest.revision)).exec(tx).await?;
    Ok(())
}
