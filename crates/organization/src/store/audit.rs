//! The audit log.

use std::collections::BTreeMap;

use rolecall_authz::{Filter, Scope};
use rolecall_db::{Error, Tx};
use rolecall_kernel::audit::Hash;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select, Set,
};
use uuid::Uuid;

use super::corrupt;
use super::entity::audit_event::{ActiveModel, Column, Entity, Model};
use crate::domain::audit::{AuditEvent, AuditFilter, AuditPosition, Link, Window};

/// An entry as it is stored: sealed details are not among its event's.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) event: AuditEvent,
    pub(crate) sealed_for: Option<Uuid>,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) link: Option<Link>,
}

/// What an entry gets when it is chained.
#[derive(Debug, Clone)]
pub(crate) struct Chained {
    pub(crate) link: Link,
    pub(crate) sealed_for: Option<Uuid>,
    pub(crate) sealed: Option<Vec<u8>>,
}

fn to_row(event: &AuditEvent) -> Result<ActiveModel, DbErr> {
    Ok(ActiveModel {
        event_id: Set(event.event_id.as_uuid()),
        topic: Set(event.topic.clone()),
        actor_id: Set(event.actor_id),
        organization_id: Set(event.organization_id),
        target_id: Set(event.target_id),
        request_id: Set(event.request_id.clone()),
        occurred: Set(event.occurred.as_micros()),
        details: Set(encode(&event.details)?),
        on_behalf_of_id: Set(event.on_behalf_of_id),
        source_number: Set(event.source_number),
        ..ActiveModel::default()
    })
}

/// Writes details as a JSON object.
pub(crate) fn encode(details: &BTreeMap<String, String>) -> Result<String, DbErr> {
    serde_json::to_string(details).map_err(|_| corrupt("detail of an audit event"))
}

fn from_row(row: Model) -> Result<Stored, DbErr> {
    let details = serde_json::from_str(&row.details).map_err(|_| corrupt("detail of an audit event"))?;
    // What has a number is chained, also when somebody cleared its hash: whoever reads goes on by the number.
    let kept = |stored: Option<Vec<u8>>| digest(&stored.unwrap_or_default());
    let link = row.sequence.map(|sequence| Link { sequence, commitment: kept(row.commitment), hash: kept(row.hash) });
    let event = AuditEvent {
        event_id: EventId::from_uuid(row.event_id),
        topic: row.topic,
        actor_id: row.actor_id,
        on_behalf_of_id: row.on_behalf_of_id,
        organization_id: row.organization_id,
        target_id: row.target_id,
        request_id: row.request_id,
        occurred: Timestamp::from_micros(row.occurred),
        source_number: row.source_number,
        details,
    };
    Ok(Stored { event, sealed_for: row.sealed_for, sealed: row.sealed, link })
}

/// What is no hash was changed by somebody, and is equal to none that is computed.
pub(super) fn digest(stored: &[u8]) -> Hash {
    stored.try_into().unwrap_or([0xff; 32])
}

fn from_rows(rows: Vec<Model>) -> Result<Vec<Stored>, Error> {
    Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
}

/// Adds entries; there is no way to change or remove one.
pub(crate) async fn insert_all(tx: &Tx, events: &[AuditEvent]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let rows: Vec<ActiveModel> = events.iter().map(to_row).collect::<Result<_, _>>()?;
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// Returns the entries that are not chained yet, the oldest first.
pub(crate) async fn list_unchained<C: ConnectionTrait>(connection: &C, limit: u64) -> Result<Vec<Stored>, Error> {
    let query = Entity::find().filter(Column::Sequence.is_null());
    let query = query.order_by_asc(Column::Occurred).order_by_asc(Column::EventId).limit(limit);
    from_rows(query.all(connection).await?)
}

/// Gives an entry its place, and seals its details if it seals any; `false` when it has one already.
pub(crate) async fn chain(tx: &Tx, event: &AuditEvent, chained: Chained) -> Result<bool, Error> {
    let details = if chained.sealed_for.is_some() { BTreeMap::new() } else { event.details.clone() };
    let row = ActiveModel {
        details: Set(encode(&details)?),
        chain_id: Set(Some(event.chain())),
        sequence: Set(Some(chained.link.sequence)),
        hash: Set(Some(chained.link.hash.to_vec())),
        commitment: Set(Some(chained.link.commitment.to_vec())),
        sealed_for: Set(chained.sealed_for),
        sealed: Set(chained.sealed),
        ..ActiveModel::default()
    };
    let query = Entity::update_many().set(row).filter(Column::EventId.eq(event.event_id.as_uuid()));
    Ok(query.filter(Column::Sequence.is_null()).exec(tx).await?.rows_affected == 1)
}

/// Returns entries of a chain after a number, in order.
pub(crate) async fn list_chain<C: ConnectionTrait>(
    connection: &C,
    chain: Uuid,
    after: i64,
    limit: u64,
) -> Result<Vec<Stored>, Error> {
    let query = Entity::find().filter(Column::ChainId.eq(chain)).filter(Column::Sequence.gt(after));
    from_rows(query.order_by_asc(Column::Sequence).limit(limit).all(connection).await?)
}

fn in_scope(scope: &Scope) -> Option<Select<Entity>> {
    match scope.as_organization_filter() {
        Filter::All => Some(Entity::find()),
        Filter::Organizations(ids) => {
            Some(Entity::find().filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))))
        }
        Filter::Subject(_) | Filter::Nothing => None,
    }
}

/// Finds an entry of the scope.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    event_id: EventId,
) -> Result<Option<Stored>, Error> {
    let Some(query) = in_scope(scope) else { return Ok(None) };
    let row = query.filter(Column::EventId.eq(event_id.as_uuid())).one(connection).await?;
    Ok(row.map(from_row).transpose()?)
}

/// Lists entries of the scope, the newest first.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    filter: &AuditFilter,
    window: Window,
    after: Option<AuditPosition>,
    limit: u64,
) -> Result<Vec<Stored>, Error> {
    let Some(mut query) = in_scope(scope) else { return Ok(Vec::new()) };
    query = match filter {
        AuditFilter::All => query,
        AuditFilter::Target(target) => query.filter(Column::TargetId.eq(*target)),
        AuditFilter::Actor(actor) => query.filter(Column::ActorId.eq(*actor)),
        AuditFilter::Topic(topic) => query.filter(Column::Topic.eq(topic)),
    };
    if let Some(start) = window.start {
        query = query.filter(Column::Occurred.gte(start.as_micros()));
    }
    if let Some(end) = window.end {
        query = query.filter(Column::Occurred.lt(end.as_micros()));
    }
    if let Some(after) = after {
        query = query.filter(before(after));
    }
    let query = query.order_by_desc(Column::Occurred).order_by_desc(Column::EventId).limit(limit);
    from_rows(query.all(connection).await?)
}

/// The rows before a position; spelled as a row comparison, which both databases answer from the index.
fn before(position: AuditPosition) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Occurred), Expr::col(Column::EventId)]);
    let there = [Expr::value(position.occurred.as_micros()), Expr::value(position.event_id.as_uuid())];
    Condition::all().add(row.lt(Expr::tuple(there)))
}
