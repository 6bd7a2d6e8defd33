//! The audit log.

use std::collections::BTreeMap;

use rolecall_authz::{Filter, Scope};
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Set,
};

use super::corrupt;
use super::entity::audit_event::{ActiveModel, Column, Entity, Model};
use crate::domain::audit::{AuditEvent, AuditFilter, AuditPosition};

fn to_row(event: &AuditEvent) -> Result<ActiveModel, DbErr> {
    let details = serde_json::to_string(&event.details).map_err(|_| corrupt("detail of an audit event"))?;
    Ok(ActiveModel {
        event_id: Set(event.event_id.as_uuid()),
        topic: Set(event.topic.clone()),
        actor_id: Set(event.actor_id),
        organization_id: Set(event.organization_id),
        target_id: Set(event.target_id),
        request_id: Set(event.request_id.clone()),
        occurred: Set(event.occurred.as_micros()),
        details: Set(details),
        on_behalf_of_id: Set(event.on_behalf_of_id),
    })
}

fn from_row(row: Model) -> Result<AuditEvent, DbErr> {
    let details: BTreeMap<String, String> =
        serde_json::from_str(&row.details).map_err(|_| corrupt("detail of an audit event"))?;
    Ok(AuditEvent {
        event_id: EventId::from_uuid(row.event_id),
        topic: row.topic,
        actor_id: row.actor_id,
        on_behalf_of_id: row.on_behalf_of_id,
        organization_id: row.organization_id,
        target_id: row.target_id,
        request_id: row.request_id,
        occurred: Timestamp::from_micros(row.occurred),
        details,
    })
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

/// Lists entries of the scope, the newest first.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    filter: &AuditFilter,
    after: Option<AuditPosition>,
    limit: u64,
) -> Result<Vec<AuditEvent>, Error> {
    let mut query = match scope.as_organization_filter() {
        Filter::All => Entity::find(),
        Filter::Organizations(ids) => {
            Entity::find().filter(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid())))
        }
        Filter::Subject(_) | Filter::Nothing => return Ok(Vec::new()),
    };
    if let Some(target) = filter.target {
        query = query.filter(Column::TargetId.eq(target));
    }
    if let Some(actor) = filter.actor {
        query = query.filter(Column::ActorId.eq(actor));
    }
    if let Some(topic) = &filter.topic {
        query = query.filter(Column::Topic.eq(topic));
    }
    if let Some(after) = after {
        query = query.filter(before(after));
    }
    let query = query.order_by_desc(Column::Occurred).order_by_desc(Column::EventId).limit(limit);
    let rows = query.all(connection).await?;
    Ok(rows.into_iter().map(from_row).collect::<Result<_, _>>()?)
}

/// The rows before a position; spelled as a row comparison, which both databases answer from the index.
fn before(position: AuditPosition) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Occurred), Expr::col(Column::EventId)]);
    let there = [Expr::value(position.occurred.as_micros()), Expr::value(position.event_id.as_uuid())];
    Condition::all().add(row.lt(Expr::tuple(there)))
}
