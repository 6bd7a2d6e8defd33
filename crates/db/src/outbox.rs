//! Events, written in the transaction of the change they tell of.
//!
//! The [relay](crate::relay) hands each event to each of its consumers: at least once, and the
//! events of one subject in order. A writer that wants its events in order with another's locks the
//! subject's row first, as it must to change it.

use std::fmt;

use rolecall_kernel::id::{EventId, OrganizationId};
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use crate::sql::{execute, integer, statement};
use crate::{Backend, Error, Tx};

/// The state of a delivery, as stored.
pub(crate) mod state {
    pub(crate) const PENDING: i64 = 0;
    pub(crate) const DONE: i64 = 1;
    pub(crate) const PARKED: i64 = 2;
}

/// Something that happened, in the past tense.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// The event's name for ever; a consumer handles it once.
    pub event_id: EventId,
    /// What happened, such as `identity.user_invited`.
    pub topic: String,
    /// Whom it happened to; events of one subject are delivered in order.
    pub subject: String,
    /// Whose it is; none for the instance.
    pub organization_id: Option<OrganizationId>,
    /// When it happened.
    pub occurred: Timestamp,
    /// The encoded message.
    pub payload: Vec<u8>,
    /// The trace it belongs to (W3C Trace Context, `traceparent`).
    pub trace: Option<String>,
}

impl fmt::Debug for Event {
    /// Payloads may hold personal data and stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("event_id", &self.event_id)
            .field("topic", &self.topic)
            .field("payload_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// Who is told: the name of a context, such as `notification`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Consumer(pub &'static str);

/// An event that a consumer refused to handle, waiting for an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Who refused it.
    pub consumer: String,
    /// The event.
    pub event: Event,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it waits.
    pub since: Timestamp,
}

/// Appends an event to be delivered to these consumers once the transaction is committed.
pub async fn append(tx: &Tx, event: &Event, consumers: &[Consumer]) -> Result<(), Error> {
    tx.appended_to_outbox();
    match tx.backend() {
        Backend::Postgres if !consumers.is_empty() => append_at_once(tx, event, consumers).await,
        Backend::Postgres | Backend::Sqlite => append_in_two(tx, event, consumers).await,
    }
}

const COLUMNS: &str = "event_id, topic, subject, organization_id, occurred, payload, trace";

fn values(event: &Event) -> Vec<Value> {
    vec![
        event.event_id.as_uuid().into(),
        event.topic.as_str().into(),
        event.subject.as_str().into(),
        event.organization_id.map(OrganizationId::as_uuid).into(),
        event.occurred.as_micros().into(),
        event.payload.clone().into(),
        event.trace.clone().into(),
    ]
}

/// PostgreSQL takes event and deliveries in one round trip.
async fn append_at_once(tx: &Tx, event: &Event, consumers: &[Consumer]) -> Result<(), Error> {
    let mut values = values(event);
    let mut places = Vec::with_capacity(consumers.len());
    for consumer in consumers {
        values.push(consumer.0.into());
        places.push(format!("(${}::text)", values.len()));
    }
    let text = format!(
        "WITH event AS (
            INSERT INTO outbox ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING position, subject, occurred
        )
        INSERT INTO outbox_deliveries (position, consumer, subject, due)
        SELECT event.position, told.consumer, event.subject, event.occurred
        FROM event CROSS JOIN (VALUES {}) AS told (consumer)",
        places.join(", ")
    );
    execute(tx, &text, values).await.map(drop)
}

/// SQLite has no statement that inserts into two tables.
async fn append_in_two(tx: &Tx, event: &Event, consumers: &[Consumer]) -> Result<(), Error> {
    let text = format!("INSERT INTO outbox ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING position");
    let position = integer(tx, &text, values(event)).await?;
    if consumers.is_empty() {
        return Ok(());
    }
    let mut values = vec![position.into(), event.subject.as_str().into(), event.occurred.as_micros().into()];
    let mut rows = Vec::with_capacity(consumers.len());
    for consumer in consumers {
        values.push(consumer.0.into());
        rows.push(format!("($1, ${}, $2, $3)", values.len()));
    }
    let text = format!("INSERT INTO outbox_deliveries (position, consumer, subject, due) VALUES {}", rows.join(", "));
    execute(tx, &text, values).await.map(drop)
}

/// Counts the deliveries that are neither done nor parked.
pub async fn pending<C: ConnectionTrait>(reader: &C) -> Result<u64, Error> {
    let text = "SELECT count(*) FROM outbox_deliveries WHERE state = 0";
    Ok(u64::try_from(integer(reader, text, vec![]).await?).unwrap_or_default())
}

/// SQLite uses a partial index only where its condition is spelled out: `state <> 1`.
const OLDEST: &str = "SELECT o.occurred FROM outbox_deliveries d JOIN outbox o ON o.position = d.position
    WHERE d.state = 0 AND d.state <> 1 AND d.consumer = $1 ORDER BY d.position LIMIT 1";

/// Returns when the oldest pending event of a consumer occurred; how far the consumer lags.
pub async fn oldest_pending<C: ConnectionTrait>(reader: &C, consumer: &str) -> Result<Option<Timestamp>, Error> {
    let row = reader.query_one_raw(statement(reader, OLDEST, vec![consumer.into()])).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.map(Timestamp::from_micros))
}

/// Lists parked events of a consumer, oldest first.
pub async fn list_parked<C: ConnectionTrait>(reader: &C, consumer: &str, limit: u32) -> Result<Vec<Parked>, Error> {
    let text = "SELECT o.event_id, o.topic, o.subject, o.organization_id, o.occurred, o.payload, o.trace,
            d.consumer, d.reason, d.attempts, d.settled
        FROM outbox_deliveries d JOIN outbox o ON o.position = d.position
        WHERE d.state = 2 AND d.state <> 1 AND d.consumer = $1 ORDER BY d.position LIMIT $2";
    let values = vec![consumer.into(), i64::from(limit).into()];
    let rows = reader.query_all_raw(statement(reader, text, values)).await?;
    Ok(rows.iter().map(parked).collect::<Result<_, DbErr>>()?)
}

/// Makes a parked event pending again; `false` when it is not parked.
///
/// Later events of the subject were delivered meanwhile: a replayed event arrives out of order.
pub async fn replay(tx: &Tx, consumer: &str, event_id: EventId, now: Timestamp) -> Result<bool, Error> {
    tx.appended_to_outbox();
    let text = "UPDATE outbox_deliveries SET state = $4, due = $3, lease = NULL, settled = NULL, attempts = 0
        WHERE state = 2 AND consumer = $1 AND position = (SELECT position FROM outbox WHERE event_id = $2)";
    let values = vec![consumer.into(), event_id.as_uuid().into(), now.as_micros().into(), state::PENDING.into()];
    Ok(execute(tx, text, values).await? == 1)
}

/// Reads the columns of an event.
pub(crate) fn event(row: &QueryResult) -> Result<Event, DbErr> {
    Ok(Event {
        event_id: EventId::from_uuid(row.try_get("", "event_id")?),
        topic: row.try_get("", "topic")?,
        subject: row.try_get("", "subject")?,
        organization_id: row.try_get::<Option<Uuid>>("", "organization_id")?.map(OrganizationId::from_uuid),
        occurred: Timestamp::from_micros(row.try_get("", "occurred")?),
        payload: row.try_get("", "payload")?,
        trace: row.try_get("", "trace")?,
    })
}

fn parked(row: &QueryResult) -> Result<Parked, DbErr> {
    Ok(Parked {
        consumer: row.try_get("", "consumer")?,
        event: event(row)?,
        reason: row.try_get::<Option<String>>("", "reason")?.unwrap_or_default(),
        attempts: row.try_get("", "attempts")?,
        since: Timestamp::from_micros(row.try_get::<Option<i64>>("", "settled")?.unwrap_or_default()),
    })
}
