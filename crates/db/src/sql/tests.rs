//! No statement of this crate reads a whole table.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{EventId, RequestId, SubjectId};
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::time::{Clock as _, SystemClock};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait as _, Statement};

use crate::idempotency::{self, Fingerprint};
use crate::outbox::{append, append_secret, list_parked, oldest_pending, replay};
use crate::sweep::{self, Retention};
use crate::{
    Consumer, Database, DatabaseConfig, Deliver, Error, Event, Outcome, Relay, RelayConfig, Sequencer, SequencerConfig,
    feed, inbox, leases,
};

/// Every statement that the tests of this program have made.
pub(super) static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Refuses each event in turn: done, later, never.
struct Mixed;

#[async_trait::async_trait]
impl Deliver for Mixed {
    async fn deliver(&self, _: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
        let outcome = |event: &Event| match event.topic.as_str() {
            "later" => Outcome::Retry { reason: "busy".into() },
            "never" => Outcome::Park { reason: "broken".into() },
            _ => Outcome::Done,
        };
        events.iter().map(|event| (event.event_id, outcome(event))).collect()
    }
}

async fn open(directory: &tempfile::TempDir) -> Database {
    let url = format!("sqlite://{}", directory.path().join("plans.db").display());
    let db = Database::connect(&DatabaseConfig::new(url), "plans", &[]).await.expect("it opens");
    db.migrate(vec![]).await.expect("it migrates");
    db
}

/// Uses the outbox in every way.
async fn use_outbox(db: &Database) {
    const WHO: Consumer = Consumer("who");
    let now = SystemClock.now();
    for topic in ["done", "never", "later", "waits"] {
        let event = &Event {
            event_id: EventId::new(now, &SystemEntropy),
            topic: topic.into(),
            subject: "ada".into(),
            organization_id: None,
            occurred: now,
            payload: vec![],
            trace: None,
            number: 0,
        };
        db.write(|tx| async move { append(&tx, event, &[WHO]).await }).await.expect("it is appended");
        let secret = &Event { event_id: EventId::new(now, &SystemEntropy), ..event.clone() };
        db.write(|tx| async move { append_secret(&tx, secret, &[WHO]).await }).await.expect("it is appended");
    }
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let relay = Relay::new(db.clone(), clock, entropy, vec![WHO], Arc::new(Mixed), RelayConfig::default());
    relay.drain().await;
    let parked = list_parked(&db.reader(), WHO.0, 1).await.expect("they are listed");
    oldest_pending(&db.reader(), WHO.0).await.expect("it is found");
    let event_id = parked.first().expect("one is parked").event.event_id;
    db.write(|tx| async move { replay(&tx, WHO.0, event_id, now).await }).await.expect("it is replayed");
}

/// Uses everything else.
async fn use_the_rest(db: &Database) {
    let (now, id) = (SystemClock.now(), EventId::new(SystemClock.now(), &SystemEntropy));
    let key = MasterKey::new(&SystemEntropy).keyed_hash(Purpose::RequestFingerprint);
    let fingerprint = &Fingerprint::new(&key, "Do", b"it");
    let (caller, request) = (SubjectId::new(now, &SystemEntropy), RequestId::new(now, &SystemEntropy));
    let written: Result<(), Error> = db
        .write(|tx| async move {
            inbox::accept(&tx, "who", id, now).await?;
            feed::append(&tx, "feed", b"entry", now).await?;
            feed::append_numbered(&tx, "feed", b"entry", now).await?;
            idempotency::store(&tx, caller, "Do", request, fingerprint, b"done", now).await
        })
        .await;
    written.expect("all is written");
    idempotency::find(&db.reader(), caller, "Do", request).await.expect("it is found");
    let sequencer = Sequencer::new(db.clone(), Arc::new(SystemClock), &SystemEntropy, SequencerConfig::default());
    sequencer.drain().await.expect("it numbers");
    sequencer.trim().await.expect("it trims");
    let reader = db.reader();
    feed::read_after(&reader, "feed", 0, 10).await.expect("it is read");
    feed::waiting_since(&reader, "feed").await.expect("it is read");
    feed::head(&reader, "feed").await.and(feed::oldest(&reader, "feed").await).expect("they are read");
    let lease = leases::try_acquire(db, "work", Uuid::from_bytes([1; 16]), Duration::from_secs(1), now).await;
    let mut lease = lease.expect("it answers").expect("it is free");
    leases::renew(db, &mut lease, Duration::from_secs(1), now).await.expect("it is renewed");
    leases::release(db, lease).await.expect("it is released");
    sweep::run(db, now, &Retention::default()).await.expect("it sweeps");
}

/// Partial indexes of what is waiting, tables of a handful of rows, and what has no table.
const MAY_BE_SCANNED: &[&str] = &[
    "_unnumbered_idx",
    "_due_idx",
    "_waiting_idx",
    "json_each",
    "CONSTANT ROW",
    "(subquery",
    "SCAN waiting",
    "SCAN chosen",
    "feed_heads",
    "schema_migrations",
    "sqlite_schema",
];

fn reads_a_whole_table(step: &str) -> bool {
    step.starts_with("SCAN") && !MAY_BE_SCANNED.iter().any(|small| step.contains(small))
}

/// ASVS: V15.1.3
#[tokio::test]
async fn attack_t38_no_statement_reads_a_whole_table() {
    let directory = tempfile::tempdir().expect("a directory");
    let db = open(&directory).await;
    use_outbox(&db).await;
    use_the_rest(&db).await;
    let statements = STATEMENTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    assert!(statements.len() > 25, "only {} statements were made", statements.len());
    let reader = db.reader();
    for text in statements {
        let explain = Statement::from_string(reader.get_database_backend(), format!("EXPLAIN QUERY PLAN {text}"));
        for row in reader.query_all_raw(explain).await.expect("the statement is explained") {
            let step: String = row.try_get("", "detail").expect("a detail");
            assert!(!reads_a_whole_table(&step), "{step}: {text}");
        }
    }
}
