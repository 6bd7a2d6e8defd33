//! Claims: which events a relay may deliver now, and nobody else.

use std::collections::HashSet;

use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};

use super::Relay;
use crate::feed::advance;
use crate::outbox::{event, secrecy};
use crate::sql::{array, execute, integer, integers, statement, texts};
use crate::{Backend, Consumer, Error, Event, Tx};

/// An event under this relay's lease.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) position: i64,
    pub(super) attempts: i64,
    /// Whether the payload is erased once no delivery waits for it.
    pub(super) is_secret: bool,
    pub(super) event: Event,
}

/// What one claim holds, in order of position.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) consumer: Consumer,
    /// The claim's name; only its holder may settle.
    pub(super) lease: Uuid,
    pub(super) events: Vec<Claimed>,
}

/// Claims due events, or `None` when nothing is due.
pub(super) async fn claim(relay: &Relay, consumer: Consumer) -> Result<Option<Claims>, Error> {
    if !is_any_due(relay, consumer).await? {
        return Ok(None);
    }
    let mut random = [0; 16];
    relay.entropy.fill(&mut random);
    let lease = Uuid::from_bytes(random);
    let events = relay.db.write(|tx| claim_in(tx, relay, consumer, lease)).await?;
    Ok((!events.is_empty()).then_some(Claims { consumer, lease, events }))
}

const DUE: &str = "SELECT position FROM outbox_deliveries WHERE state = 0 AND consumer = $1 AND due <= $2 LIMIT 1";

/// Asks a reader first: an idle relay must not queue for SQLite's single writer.
async fn is_any_due(relay: &Relay, consumer: Consumer) -> Result<bool, Error> {
    let values = vec![consumer.0.into(), relay.clock.now().as_micros().into()];
    Ok(integer(&relay.db.reader(), DUE, values).await? != 0)
}

async fn claim_in(tx: Tx, relay: &Relay, consumer: Consumer, lease: Uuid) -> Result<Vec<Claimed>, Error> {
    let mut events = heads(&tx, relay, consumer).await?;
    if events.is_empty() {
        return Ok(events);
    }
    let room = usize::from(relay.config.batch).saturating_sub(events.len());
    if room > 0 {
        events.extend(followers(&tx, consumer, &events, room).await?);
        events.sort_by_key(|claimed| claimed.position);
    }
    let text = format!(
        "UPDATE outbox_deliveries SET lease = $2, due = $3 WHERE consumer = $1 AND position IN {}",
        integers(tx.get_database_backend(), "$4")
    );
    let until = relay.clock.now().plus(relay.config.lease);
    let positions = array(events.iter().map(|claimed| claimed.position));
    execute(&tx, &text, vec![consumer.0.into(), lease.into(), until.as_micros().into(), positions]).await?;
    number(&tx, consumer, &mut events).await?;
    Ok(events)
}

/// Numbers what is handed over for the first time: committed events alone, so that a number that never arrives is
/// an event that was lost.
async fn number(tx: &Tx, consumer: Consumer, events: &mut [Claimed]) -> Result<(), Error> {
    let fresh = events.iter().filter(|claimed| claimed.event.number == 0).count();
    let fresh = i64::try_from(fresh).unwrap_or_default();
    if fresh == 0 {
        return Ok(());
    }
    // The head's row is held until the commit, so that no number is left out when a claim fails.
    let head = advance(tx, &format!("outbox.{}", consumer.0), fresh).await? - fresh;
    let text = format!(
        "UPDATE outbox_deliveries SET number = $3 + chosen.rank FROM (
            SELECT position, row_number() OVER (ORDER BY position) AS rank FROM outbox_deliveries
            WHERE consumer = $1 AND number = 0 AND position IN {}
        ) AS chosen
        WHERE outbox_deliveries.consumer = $1 AND outbox_deliveries.position = chosen.position",
        integers(tx.get_database_backend(), "$2")
    );
    events.sort_by_key(|claimed| claimed.position);
    let positions = array(events.iter().map(|claimed| claimed.position));
    execute(tx, &text, vec![consumer.0.into(), positions, head.into()]).await?;
    for (claimed, number) in events.iter_mut().filter(|claimed| claimed.event.number == 0).zip(head + 1..) {
        claimed.event.number = number;
    }
    Ok(())
}

const COLUMNS: &str = "d.position, d.attempts, o.event_id, o.topic, o.subject, o.organization_id, o.occurred,
    o.payload, o.trace, o.secrecy, d.number";

/// The oldest pending event of each subject, where it is due.
///
/// Whoever holds a subject's oldest event holds the subject: nobody else can claim a later one.
async fn heads(tx: &Tx, relay: &Relay, consumer: Consumer) -> Result<Vec<Claimed>, Error> {
    let lock = match tx.backend() {
        Backend::Postgres => "FOR UPDATE OF d SKIP LOCKED",
        Backend::Sqlite => "",
    };
    let text = format!(
        "SELECT {COLUMNS}
        FROM outbox_deliveries d JOIN outbox o ON o.position = d.position
        WHERE d.state = 0 AND d.consumer = $1 AND d.due <= $2 AND NOT EXISTS (
            SELECT 1 FROM outbox_deliveries e
            WHERE e.state = 0 AND e.consumer = d.consumer AND e.subject = d.subject AND e.position < d.position
        )
        ORDER BY d.due, d.position LIMIT $3 {lock}"
    );
    let now = relay.clock.now().as_micros();
    let values = vec![consumer.0.into(), now.into(), i64::from(relay.config.batch).into()];
    let rows = tx.query_all_raw(statement(tx, &text, values)).await?;
    Ok(rows.iter().map(claimed).collect::<Result<_, DbErr>>()?)
}

/// The next events of the subjects already held, so that a busy subject is not one event a claim.
async fn followers(tx: &Tx, consumer: Consumer, heads: &[Claimed], room: usize) -> Result<Vec<Claimed>, Error> {
    let backend = tx.get_database_backend();
    let text = format!(
        "SELECT {COLUMNS}
        FROM outbox_deliveries d JOIN outbox o ON o.position = d.position
        WHERE d.state = 0 AND d.consumer = $1 AND d.subject IN {} AND d.position NOT IN {}
        ORDER BY d.position LIMIT $4",
        texts(backend, "$2"),
        integers(backend, "$3")
    );
    let subjects: HashSet<&str> = heads.iter().map(|claimed| claimed.event.subject.as_str()).collect();
    let positions = array(heads.iter().map(|claimed| claimed.position));
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    let rows = tx
        .query_all_raw(statement(tx, &text, vec![consumer.0.into(), array(subjects), positions, room.into()]))
        .await?;
    Ok(rows.iter().map(claimed).collect::<Result<_, DbErr>>()?)
}

fn claimed(row: &QueryResult) -> Result<Claimed, DbErr> {
    Ok(Claimed {
        position: row.try_get("", "position")?,
        attempts: row.try_get("", "attempts")?,
        is_secret: secrecy(row)? == secrecy::SECRET,
        event: event(row)?,
    })
}
