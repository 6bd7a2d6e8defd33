//! Settling: what became of the events of a claim, written in one transaction.

use std::collections::HashMap;

use rolecall_kernel::time::Timestamp;
use sea_orm::{ConnectionTrait as _, Value};

use super::Relay;
use super::claim::{Claimed, Claims};
use crate::outbox::{secrecy, state};
use crate::sql::{array, execute, integers};
use crate::{Backend, Error, Tx};

/// What is written about an event; one without a verdict is released.
#[derive(Debug)]
pub(super) enum Verdict {
    Done,
    Retry { reason: String, due: Timestamp },
    Park { reason: String },
}

/// Writes the verdicts down, as far as the claim still holds.
pub(super) async fn settle(relay: &Relay, claims: &Claims, verdicts: HashMap<i64, Verdict>) -> Result<(), Error> {
    let verdicts = &verdicts;
    relay.db.write(|tx| settle_in(tx, claims, verdicts, relay.clock.now())).await
}

async fn settle_in(tx: Tx, claims: &Claims, verdicts: &HashMap<i64, Verdict>, now: Timestamp) -> Result<(), Error> {
    // The order matters: a retry below also moves the released events of its subject.
    finish(&tx, claims, verdicts, now).await?;
    release(&tx, claims, verdicts, now).await?;
    for claimed in &claims.events {
        match verdicts.get(&claimed.position) {
            Some(Verdict::Retry { reason, due }) => retry(&tx, claims, claimed, reason, *due).await?,
            Some(Verdict::Park { reason }) => park(&tx, claims, claimed, reason, now).await?,
            Some(Verdict::Done) | None => {}
        }
    }
    erase(&tx, claims, verdicts).await
}

async fn finish(tx: &Tx, claims: &Claims, verdicts: &HashMap<i64, Verdict>, now: Timestamp) -> Result<(), Error> {
    let is_done = |claimed: &&Claimed| matches!(verdicts.get(&claimed.position), Some(Verdict::Done));
    let done: Vec<i64> = claims.events.iter().filter(is_done).map(|claimed| claimed.position).collect();
    if done.is_empty() {
        return Ok(());
    }
    let text = format!(
        "UPDATE outbox_deliveries SET state = {}, lease = NULL, reason = NULL, settled = $4
        WHERE consumer = $1 AND lease = $2 AND position IN {}",
        state::DONE,
        integers(tx.get_database_backend(), "$3")
    );
    execute(tx, &text, [ours(claims), vec![array(done), now.as_micros().into()]].concat()).await.map(drop)
}

async fn release(tx: &Tx, claims: &Claims, verdicts: &HashMap<i64, Verdict>, now: Timestamp) -> Result<(), Error> {
    let untouched =
        claims.events.iter().map(|claimed| claimed.position).filter(|position| !verdicts.contains_key(position));
    let untouched: Vec<i64> = untouched.collect();
    if untouched.is_empty() {
        return Ok(());
    }
    let text = format!(
        "UPDATE outbox_deliveries SET lease = NULL, due = $4 WHERE consumer = $1 AND lease = $2 AND position IN {}",
        integers(tx.get_database_backend(), "$3")
    );
    execute(tx, &text, [ours(claims), vec![array(untouched), now.as_micros().into()]].concat()).await.map(drop)
}

/// Puts an event off, and the later ones of its subject with it: they could not be claimed anyway,
/// and every look at the outbox would step over them.
async fn retry(tx: &Tx, claims: &Claims, claimed: &Claimed, reason: &str, due: Timestamp) -> Result<(), Error> {
    let text = "UPDATE outbox_deliveries SET lease = NULL, due = $4, reason = $5, attempts = attempts + 1
        WHERE consumer = $1 AND lease = $2 AND position = $3";
    let values = vec![claimed.position.into(), due.as_micros().into(), reason.into()];
    if execute(tx, text, [ours(claims), values].concat()).await? == 0 {
        return Ok(());
    }
    let text = "UPDATE outbox_deliveries SET due = $4
        WHERE state = 0 AND consumer = $1 AND subject = $2 AND position > $3 AND due < $4";
    let subject = claimed.event.subject.as_str();
    let values = vec![claims.consumer.0.into(), subject.into(), claimed.position.into(), due.as_micros().into()];
    execute(tx, text, values).await.map(drop)
}

async fn park(tx: &Tx, claims: &Claims, claimed: &Claimed, reason: &str, now: Timestamp) -> Result<(), Error> {
    tracing::warn!(event = ?claimed.event, consumer = claims.consumer.0, reason, "an event was parked");
    let text = format!(
        "UPDATE outbox_deliveries SET state = {}, lease = NULL, settled = $4, reason = $5, attempts = attempts + 1
        WHERE consumer = $1 AND lease = $2 AND position = $3",
        state::PARKED
    );
    let values = vec![claimed.position.into(), now.as_micros().into(), reason.into()];
    execute(tx, &text, [ours(claims), values].concat()).await.map(drop)
}

/// Erases the secret payloads that no delivery waits for any more.
async fn erase(tx: &Tx, claims: &Claims, verdicts: &HashMap<i64, Verdict>) -> Result<(), Error> {
    let is_settled =
        |claimed: &&Claimed| matches!(verdicts.get(&claimed.position), Some(Verdict::Done | Verdict::Park { .. }));
    let secret = claims.events.iter().filter(|claimed| claimed.is_secret).filter(is_settled);
    let secret: Vec<i64> = secret.map(|claimed| claimed.position).collect();
    if secret.is_empty() {
        return Ok(());
    }
    let positions = integers(tx.get_database_backend(), "$1");
    if tx.backend() == Backend::Postgres {
        // Of two relays that settle the last two deliveries at once, neither would see the other's.
        let text = format!("SELECT position FROM outbox WHERE position IN {positions} ORDER BY position FOR UPDATE");
        execute(tx, &text, vec![array(secret.iter().copied())]).await?;
    }
    let text = format!(
        "UPDATE outbox SET payload = $2, secrecy = {} WHERE position IN {positions} AND NOT EXISTS (
            SELECT 1 FROM outbox_deliveries d WHERE d.position = outbox.position AND d.state = {}
        )",
        secrecy::ERASED,
        state::PENDING
    );
    execute(tx, &text, vec![array(secret), Vec::<u8>::new().into()]).await.map(drop)
}

/// The places `$1` and `$2`: consumer and lease. Whoever lost the lease settles nothing.
fn ours(claims: &Claims) -> Vec<Value> {
    vec![claims.consumer.0.into(), claims.lease.into()]
}
