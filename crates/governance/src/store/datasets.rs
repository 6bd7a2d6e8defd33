//! Datasets.

use rolecall_authz::{Filter as Organizations, Permit};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{DatasetId, OrganizationId, SubjectId};
use rolecall_kernel::text::{Description, ResourceName};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Position;
use sea_orm::sea_query::{Expr, Query, UnionType};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, Select, Set,
};

use super::entity::dataset::{ActiveModel, Column, Entity, Model as Row};
use super::{asset_policies, corrupt};
use crate::domain::dataset::{Dataset, Facts, Filter, Reach, Term};
use crate::domain::name;

fn from_row(row: Row) -> Result<Dataset, DbErr> {
    let description = Some(row.description.as_str()).filter(|text| !text.is_empty()).map(Description::parse);
    Ok(Dataset {
        dataset_id: DatasetId::from_uuid(row.dataset_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        facts: Facts {
            name: ResourceName::parse(&row.name).map_err(|_| corrupt("name of a dataset"))?,
            description: description.transpose().map_err(|_| corrupt("description of a dataset"))?,
            registrant: SubjectId::from_uuid(row.registrant_id),
            storage_uri: row.storage_uri,
            format: row.format,
        },
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
    })
}

fn to_row(dataset: &Dataset) -> ActiveModel {
    let facts = &dataset.facts;
    ActiveModel {
        dataset_id: Set(dataset.dataset_id.as_uuid()),
        organization_id: Set(dataset.organization_id.as_uuid()),
        name: Set(facts.name.as_str().to_owned()),
        name_key: Set(name::key(&facts.name)),
        description: Set(facts.description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default()),
        registrant_id: Set(facts.registrant.as_uuid()),
        storage_uri: Set(facts.storage_uri.clone()),
        format: Set(facts.format.clone()),
        version: Set(dataset.version),
        created: Set(dataset.created.as_micros()),
        updated: Set(dataset.updated.as_micros()),
    }
}

/// The ways by which rows are reached, each of which one index answers: the one place that says so, for reading and for
/// changing. None when nothing is reached.
fn ways(reach: &Reach) -> Vec<Condition> {
    let mut ways = Vec::new();
    match reach.all.as_organization_filter() {
        Organizations::All => return vec![Condition::all()],
        Organizations::Organizations(ids) => {
            ways.push(Condition::all().add(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))));
        }
        Organizations::Subject(_) | Organizations::Nothing => {}
    }
    if let Some((subject, organization)) = reach.registered {
        let own = Condition::all().add(Column::RegistrantId.eq(subject.as_uuid()));
        ways.push(own.add(Column::OrganizationId.eq(organization.as_uuid())));
    }
    if let Some((subject, now)) = reach.granted {
        ways.push(Condition::all().add(Column::DatasetId.in_subquery(asset_policies::opened_to(subject, now))));
    }
    ways
}

/// The rows that are reached by any way; `None` when there are none.
fn reached(reach: &Reach) -> Option<Condition> {
    Some(ways(reach).into_iter().fold(Condition::any(), Condition::add)).filter(|any| !any.is_empty())
}

/// Adds a dataset; violates [`super::DATASET_NAME_KEY`] when the name is taken.
pub(crate) async fn insert(tx: &Tx, dataset: &Dataset) -> Result<(), Error> {
    Entity::insert(to_row(dataset)).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds a dataset that is reached.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    reach: &Reach,
    id: DatasetId,
) -> Result<Option<Dataset>, Error> {
    let Some(reached) = reached(reach) else { return Ok(None) };
    let row = Entity::find_by_id(id.as_uuid()).filter(reached).one(connection).await?;
    Ok(row.map(from_row).transpose()?)
}

/// Lists those of the datasets that exist, whoever reaches them: for decisions, and never for answers.
pub(crate) async fn list_by_id(tx: &Tx, ids: &[DatasetId]) -> Result<Vec<Dataset>, Error> {
    let query = Entity::find().filter(Column::DatasetId.is_in(ids.iter().map(|id| id.as_uuid())));
    Ok(query.all(tx).await?.into_iter().map(from_row).collect::<Result<_, _>>()?)
}

/// Finds a dataset that is reached and locks its row until the transaction ends.
pub(crate) async fn find_locked(tx: &Tx, reach: &Reach, id: DatasetId) -> Result<Option<Dataset>, Error> {
    let Some(reached) = reached(reach) else { return Ok(None) };
    let row = Entity::find_by_id(id.as_uuid()).filter(reached).lock_for_update().one(tx).await?;
    Ok(row.map(from_row).transpose()?)
}

/// Lists datasets that are reached, of one organization or wherever they are, in order of their registration.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    reach: &Reach,
    organization: Option<OrganizationId>,
    filter: &Filter,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<Dataset>, Error> {
    let mut meant = condition(filter);
    if let Some(organization) = organization {
        meant = meant.add(Column::OrganizationId.eq(organization.as_uuid()));
    }
    if let Some(after) = after {
        meant = meant.add(beyond(after));
    }
    let Some(query) = page(reach, &meant, limit) else { return Ok(Vec::new()) };
    let rows = query.all(connection).await?;
    Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
}

/// The first rows that are meant: of those of each way, which its index gives in order. Asked for all ways at once, the
/// databases would read the datasets of everybody to find the few.
fn page(reach: &Reach, meant: &Condition, limit: u64) -> Option<Select<Entity>> {
    let first = |way: Condition| {
        let rows = Entity::find().filter(way).filter(meant.clone());
        rows.order_by_asc(Column::Created).order_by_asc(Column::DatasetId).limit(limit)
    };
    let mut ways = ways(reach);
    if ways.len() < 2 {
        return ways.pop().map(first);
    }
    let ids = ways.into_iter().map(|way| {
        let rows = first(way).select_only().column(Column::DatasetId).into_query();
        Query::select().column(Column::DatasetId).from_subquery(rows, "found").take()
    });
    let ids = ids.reduce(|mut all, way| all.union(UnionType::Distinct, way).take())?;
    Some(first(Condition::all().add(Column::DatasetId.in_subquery(ids))))
}

fn condition(filter: &Filter) -> Condition {
    let any =
        |group: &Vec<Term>| group.iter().fold(Condition::any(), |condition, term| condition.add(self::term(term)));
    filter.all.iter().map(any).fold(Condition::all(), Condition::add)
}

fn term(term: &Term) -> Condition {
    let all = Condition::all();
    match term {
        Term::Name(key) => all.add(Column::NameKey.eq(key.as_str())),
        // A range of the index, in the order of bytes on both databases.
        Term::NamePrefix(key) => {
            all.add(Column::NameKey.gte(key.as_str())).add(Column::NameKey.lt(format!("{key}{}", char::MAX)))
        }
        Term::Registrant(subject) => all.add(Column::RegistrantId.eq(subject.as_uuid())),
    }
}

/// The rows after a position; spelled as a row comparison, which both databases answer from the index.
fn beyond(after: Position) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Created), Expr::col(Column::DatasetId)]);
    let position = Expr::tuple([Expr::value(after.created.as_micros()), Expr::value(after.id)]);
    Condition::all().add(row.gt(position))
}

/// Writes a dataset, which the permit says is reached by the caller; violates [`super::DATASET_NAME_KEY`] when the
/// name is taken.
pub(crate) async fn update(tx: &Tx, permit: &Permit, dataset: &Dataset) -> Result<(), Error> {
    let query = Entity::update_many()
        .set(to_row(dataset))
        .filter(Column::DatasetId.eq(dataset.dataset_id.as_uuid()))
        .filter(inside(permit))
        .filter(Column::Version.eq(dataset.version - 1));
    if query.exec(tx).await?.rows_affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// Removes a dataset, which the permit says is reached by the caller.
pub(crate) async fn delete(tx: &Tx, permit: &Permit, id: DatasetId) -> Result<(), Error> {
    let query = Entity::delete_many().filter(Column::DatasetId.eq(id.as_uuid())).filter(inside(permit));
    if query.exec(tx).await?.rows_affected == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// The row as it was when the permit was given.
fn inside(permit: &Permit) -> Condition {
    let facts = permit.facts();
    Condition::all()
        .add(Column::OrganizationId.eq(facts.organization_id.map(OrganizationId::as_uuid)))
        .add(Column::RegistrantId.eq(facts.subject_id.map(SubjectId::as_uuid)))
}

#[cfg(test)]
mod tests;
