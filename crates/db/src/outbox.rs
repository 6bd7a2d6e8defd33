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

/// How secret a payload is, as stored.
pub(crate) mod secrecy {
    /// Kept as long as its event.
    pub(crate) const PLAIN: i16 = 0;
    /// Erased as soon as no delivery waits for it.
    pub(crate) const SECRET: i16 = 1;
    /// It was secret and is gone.
    pub(crate) const ERASED: i16 = 2;
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
    /// Its number among the events that its consumer was ever handed, without gaps; given by the relay, zero before.
    pub number: i64,
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
    /// The event; without its payload where that was secret and is erased.
    pub event: Event,
    /// Whether the payload was secret and is erased, so that nothing can be replayed.
    pub is_erased: bool,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it waits.
    pub since: Timestamp,
}

/// What became of the wish to replay a parked event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It is delivered again.
    Pending,
    /// It is not parked for this consumer.
    NotParked,
    /// Its payload was secret and is erased: it stays parked, and whoever appended it has to do so anew.
    Erased,
}

/// Appends an event to be delivered to these consumers once the transaction is committed.
pub async fn append(tx: &Tx, event: &Event, consumers: &[Consumer]) -> Result<(), Error> {
    append_as(tx, event, secrecy::PLAIN, consumers).await
}

/// Appends an event whose payload holds a secret: it is erased in the transaction that settles its last delivery,
/// be it done or parked.
pub async fn append_secret(tx: &Tx, event: &Event, consumers: &[Consumer]) -> Result<(), Error> {
    append_as(tx, event, secrecy::SECRET, consumers).await
}

async fn append_as(tx: &Tx, event: &Event, secrecy: i16, consumers: &[Consumer]) -> Result<(), Error> {
    tx.appended_to_outbox();
    match tx.backend() {
        Backend::Postgres if !consumers.is_empty() => append_at_once(tx, event, secrecy, consumers).await,
        Backend::Postgres | Backend::Sqlite => append_in_two(tx, event, secrecy, consumers).await,
    }
}

const COLUMNS: &str = "event_id, topic, subject, organization_id, occurred, payload, trace, secrecy";

fn values(event: &Event, secrecy: i16) -> Vec<Value> {
    vec![
        event.event_id.as_uuid().into(),
        event.topic.as_str().into(),
        event.subject.as_str().into(),
        event.organization_id.map(OrganizationId::as_uuid).into(),
        event.occurred.as_micros().into(),
        event.payload.clone().into(),
        event.trace.clone().into(),
        secrecy.into(),
    ]
}

/// PostgreSQL takes event and deliveries in one round trip.
async fn append_at_once(tx: &Tx, event: &Event, secrecy: i16, consumers: &[Consumer]) -> Result<(), Error> {
    let mut values = values(event, secrecy);
    let mut places = Vec::with_capacity(consumers.len());
    for consumer in consumers {
        values.push(consumer.0.into());
        places.push(format!("(${}::text)", values.len()));
    }
    let text = format!(
        "WITH event AS (
            INSERT INTO outbox ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            RETURNING position, subject, occurred
        )
        INSERT INTO outbox_deliveries (position, consumer, subject, due)
        SELECT event.position, told.consumer, event.subject, event.occurred
        FROM event CROSS JOIN (VALUES {}) AS told (consumer)",
        places.join(", ")
    );
    execute(tx, &text, values).await.map(drop)
}

/// SQLite has no statement that inserts into two tables.
async fn append_in_two(tx: &Tx, event: &Event, secrecy: i16, consumers: &[Consumer]) -> Result<(), Error> {
    let text = format!("INSERT INTO outbox ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING position");
    let position = integer(tx, &text, values(event, secrecy)).await?;
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
            o.secrecy, d.number, d.consumer, d.reason, d.attempts, d.settled
        FROM outbox_deliveries d JOIN outbox o ON o.position = d.position
        WHERE d.state = 2 AND d.state <> 1 AND d.consumer = $1 ORDER BY d.position LIMIT $2";
    let values = vec![consumer.into(), i64::from(limit).into()];
    let rows = reader.query_all_raw(statement(reader, text, values)).await?;
    Ok(rows.iter().map(parked).collect::<Result<_, DbErr>>()?)
}

/// Makes a parked event pending again.
///
/// Later events of the subject were delivered meanwhile: a replayed event arrives out of order.
pub async fn replay(tx: &Tx, consumer: &str, event_id: EventId, now: Timestamp) -> Result<Replay, Error> {
    let values = vec![consumer.into(), event_id.as_uuid().into()];
    let Some(row) = tx.query_one_raw(statement(tx, &parked_event(tx), values)).await? else {
        return Ok(Replay::NotParked);
    };
    if secrecy(&row)? == secrecy::ERASED {
        return Ok(Replay::Erased);
    }
    tx.appended_to_outbox();
    let text = "UPDATE outbox_deliveries SET state = $4, due = $3, lease = NULL, settled = NULL, attempts = 0
        WHERE state = 2 AND consumer = $1 AND position = $2";
    let position: i64 = row.try_get("", "position")?;
    let values = vec![consumer.into(), position.into(), now.as_micros().into(), state::PENDING.into()];
    Ok(if execute(tx, text, values).await? == 1 { Replay::Pending } else { Replay::NotParked })
}

/// Finds a parked event, and keeps its payload from being erased, or replayed, by another transaction meanwhile.
fn parked_event(tx: &Tx) -> String {
    let lock = match tx.backend() {
        Backend::Postgres => "FOR UPDATE OF o",
        Backend::Sqlite => "",
    };
    format!(
        "SELECT o.position, o.secrecy FROM outbox o JOIN outbox_deliveries d ON d.position = o.position
        WHERE o.event_id = $2 AND d.consumer = $1 AND d.state = 2 {lock}"
    )
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
        number: row.try_get("", "number")?,
    })
}

/// Reads how secret the payload is.
pub(crate) fn secrecy(row: &QueryResult) -> Result<i16, DbErr> {
    row.try_get("", "secrecy")
}

fn parked(row: &QueryResult) -> Result<Parked, DbErr> {
    Ok(Parked {
        consumer: row.try_get("", "consumer")?,
        event: event(row)?,
        is_erased: secrecy(row)? == secrecy::ERASED,
        reason: row.try_get::<Option<String>>("", "reason")?.unwrap_or_default(),
        attempts: row.try_get("", "attempts")?,
        since: Timestamp::from_micros(row.try_get::<Option<i64>>("", "settled")?.unwrap_or_default()),
    })
}
