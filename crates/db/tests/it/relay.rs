//! Delivery: at least once, in order, through every failure.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rolecall_db::outbox::Replay;
use rolecall_db::relay::{Deliver, Outcome, Relay, RelayConfig};
use rolecall_db::{Consumer, Database, Error, Event, outbox, sweep};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{SeededEntropy, TestClock, on_each_database};
use tokio_util::sync::CancellationToken;

use crate::example::{integer, open};

pub(crate) const MAIL: Consumer = Consumer("notification");
pub(crate) const AUDIT: Consumer = Consumer("organization");

/// Writes down what it gets and answers as told; the first matching topic's outcomes, then `Done`.
#[derive(Default)]
pub(crate) struct Script {
    seen: Mutex<Vec<(&'static str, String)>>,
    outcomes: Mutex<HashMap<String, Vec<Outcome>>>,
    batches: Mutex<Vec<usize>>,
}

impl Script {
    pub(crate) fn answer(&self, topic: &str, outcomes: impl IntoIterator<Item = Outcome>) {
        self.outcomes.lock().expect("not poisoned").insert(topic.to_owned(), outcomes.into_iter().collect());
    }

    pub(crate) fn seen_by(&self, consumer: Consumer) -> Vec<String> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter().filter(|(who, _)| *who == consumer.0).map(|(_, topic)| topic.clone()).collect()
    }
}

#[async_trait::async_trait]
impl Deliver for Script {
    async fn deliver(&self, consumer: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
        let mut subjects: Vec<&str> = events.iter().map(|event| event.subject.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        assert_eq!(subjects.len(), events.len(), "one event of a subject at a time");
        self.batches.lock().expect("not poisoned").push(events.len());
        tokio::task::yield_now().await;
        let answer = |event: Event| {
            self.seen.lock().expect("not poisoned").push((consumer, event.topic.clone()));
            let mut outcomes = self.outcomes.lock().expect("not poisoned");
            let scripted = outcomes.get_mut(&event.topic).filter(|list| !list.is_empty()).map(|list| list.remove(0));
            (event.event_id, scripted.unwrap_or(Outcome::Done))
        };
        events.into_iter().map(answer).collect()
    }
}

pub(crate) fn retry() -> Outcome {
    Outcome::Retry { reason: "not now".into() }
}

pub(crate) fn park() -> Outcome {
    Outcome::Park { reason: "never".into() }
}

pub(crate) struct Stage {
    pub(crate) db: Database,
    pub(crate) clock: TestClock,
    pub(crate) script: Arc<Script>,
}

impl Stage {
    pub(crate) async fn new(database: &rolecall_testkit::TestDatabase) -> Self {
        Self { db: open(database).await, clock: TestClock::new(), script: Arc::default() }
    }

    pub(crate) fn relay(&self) -> Relay {
        self.relay_with(Arc::clone(&self.script) as Arc<dyn Deliver>)
    }

    pub(crate) fn relay_with(&self, deliver: Arc<dyn Deliver>) -> Relay {
        let config =
            RelayConfig { lease: Duration::from_secs(2), poll: Duration::from_millis(20), ..RelayConfig::default() };
        let entropy = Arc::new(SeededEntropy::new());
        Relay::new(self.db.clone(), Arc::new(self.clock.clone()), entropy, vec![MAIL, AUDIT], deliver, config)
    }

    pub(crate) async fn append(&self, subject: &str, topic: &str, consumers: &[Consumer]) -> EventId {
        let event = self.event(subject, topic);
        let told = &event;
        let appended: Result<(), Error> =
            self.db.write(|tx| async move { outbox::append(&tx, told, consumers).await }).await;
        appended.expect("it is appended");
        event.event_id
    }

    pub(crate) fn event(&self, subject: &str, topic: &str) -> Event {
        Event {
            event_id: EventId::new(self.clock.now(), &SystemEntropy),
            topic: topic.into(),
            subject: subject.into(),
            organization_id: None,
            occurred: self.clock.now(),
            payload: vec![0, 1, 255],
            trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            number: 0,
        }
    }

    pub(crate) async fn pending(&self) -> u64 {
        outbox::pending(&self.db.reader()).await.expect("it is counted")
    }
}

on_each_database! {
    async fn each_consumer_gets_what_it_was_told_and_nothing_else(database) {
        let stage = Stage::new(&database).await;
        stage.append("ada", "both", &[MAIL, AUDIT]).await;
        stage.append("ada", "audit only", &[AUDIT]).await;
        stage.append("ada", "nobody", &[]).await;
        assert_eq!(stage.pending().await, 3);
        assert_eq!(stage.relay().drain().await, 3);
        assert_eq!(stage.script.seen_by(MAIL), ["both"]);
        assert_eq!(stage.script.seen_by(AUDIT), ["both", "audit only"]);
        assert_eq!(stage.pending().await, 0);
        assert_eq!(stage.relay().drain().await, 0);
    }

    async fn an_event_arrives_as_it_was_appended(database) {
        struct Keep(Mutex<Vec<Event>>);
        #[async_trait::async_trait]
        impl Deliver for Keep {
            async fn deliver(&self, _: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
                self.0.lock().expect("not poisoned").extend(events.clone());
                events.into_iter().map(|event| (event.event_id, Outcome::Done)).collect()
            }
        }
        let stage = Stage::new(&database).await;
        let event = Event {
            organization_id: Some(rolecall_kernel::id::OrganizationId::new(stage.clock.now(), &SystemEntropy)),
            ..stage.event("ada", "identity.user_invited")
        };
        let told = &event;
        stage.db.write(|tx| async move { outbox::append(&tx, told, &[MAIL]).await }).await.expect("it is appended");
        let keep = Arc::new(Keep(Mutex::default()));
        stage.relay_with(Arc::clone(&keep) as Arc<dyn Deliver>).drain().await;
        assert_eq!(*keep.0.lock().expect("not poisoned"), [Event { number: 1, ..event }]);
    }

    async fn what_is_handed_over_is_numbered_without_gaps_whatever_is_undone_or_repeated(database) {
        /// Refuses each event once, and keeps their numbers.
        struct Twice(Mutex<Vec<(EventId, i64)>>);
        #[async_trait::async_trait]
        impl Deliver for Twice {
            async fn deliver(&self, _: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
                let mut seen = self.0.lock().expect("not poisoned");
                let outcome = |event: &Event| {
                    let known = seen.iter().any(|(event_id, _)| *event_id == event.event_id);
                    seen.push((event.event_id, event.number));
                    let outcome = if known { Outcome::Done } else { Outcome::Retry { reason: "busy".into() } };
                    (event.event_id, outcome)
                };
                events.iter().map(outcome).collect()
            }
        }
        let stage = Stage::new(&database).await;
        for index in 0..8 {
            let event = &stage.event(&format!("subject {}", index % 3), "told");
            let told: Result<(), Error> = stage.db.write(|tx| async move {
                outbox::append(&tx, event, &[MAIL]).await?;
                if index % 4 == 1 { Err(Error::Unavailable) } else { Ok(()) }
            }).await;
            assert_eq!(told.is_err(), index % 4 == 1);
        }
        let twice = Arc::new(Twice(Mutex::default()));
        let relay = stage.relay_with(Arc::clone(&twice) as Arc<dyn Deliver>);
        for _ in 0..8 {
            relay.drain().await;
            stage.clock.advance(Duration::from_mins(6));
        }
        let seen = twice.0.lock().expect("not poisoned").clone();
        let numbers: std::collections::BTreeMap<EventId, std::collections::BTreeSet<i64>> =
            seen.into_iter().fold(std::collections::BTreeMap::new(), |mut all, (event_id, number)| {
                all.entry(event_id).or_insert_with(std::collections::BTreeSet::new).insert(number);
                all
            });
        assert!(numbers.values().all(|numbers| numbers.len() == 1), "a repeat has the same number: {numbers:?}");
        let mut numbers: Vec<i64> = numbers.into_values().flatten().collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    }

    async fn an_event_of_an_undone_transaction_is_never_delivered(database) {
        let stage = Stage::new(&database).await;
        let event = stage.event("ada", "undone");
        let told = &event;
        let undone: Result<(), Error> = stage.db.write(|tx| async move {
            outbox::append(&tx, told, &[MAIL]).await?;
            Err(Error::Unavailable)
        }).await;
        assert!(undone.is_err());
        assert_eq!(stage.relay().drain().await, 0);
    }

    async fn a_subject_waits_for_its_earlier_event_and_others_do_not(database) {
        let stage = Stage::new(&database).await;
        stage.script.answer("ada 1", [retry(), retry()]);
        for topic in ["ada 1", "ada 2", "ada 3"] {
            stage.append("ada", topic, &[MAIL]).await;
        }
        stage.append("eve", "eve 1", &[MAIL]).await;
        let relay = stage.relay();
        assert_eq!(relay.drain().await, 1);
        assert_eq!(stage.script.seen_by(MAIL), ["ada 1", "eve 1"]);
        stage.append("ada", "ada 4", &[MAIL]).await;
        assert_eq!(relay.drain().await, 0);
        stage.clock.advance(Duration::from_secs(1));
        assert_eq!(relay.drain().await, 0);
        stage.clock.advance(Duration::from_secs(2));
        assert_eq!(relay.drain().await, 4);
        assert_eq!(stage.script.seen_by(MAIL), ["ada 1", "eve 1", "ada 1", "ada 1", "ada 2", "ada 3", "ada 4"]);
    }

    async fn a_busy_subject_is_delivered_in_order_in_few_claims(database) {
        let stage = Stage::new(&database).await;
        let topics: Vec<String> = (0..50).map(|number| format!("event {number}")).collect();
        for topic in &topics {
            stage.append("ada", topic, &[MAIL]).await;
        }
        assert_eq!(stage.relay().drain().await, 50);
        assert_eq!(stage.script.seen_by(MAIL), topics);
    }

    async fn a_parked_event_lets_the_next_pass_and_can_be_replayed(database) {
        let stage = Stage::new(&database).await;
        stage.script.answer("bad", [park()]);
        let bad = stage.append("ada", "bad", &[MAIL, AUDIT]).await;
        stage.append("ada", "good", &[MAIL]).await;
        let relay = stage.relay();
        assert_eq!(relay.drain().await, 2);
        assert_eq!(stage.pending().await, 0);
        let parked = outbox::list_parked(&stage.db.reader(), MAIL.0, 10).await.expect("they are listed");
        assert_eq!(parked.iter().map(|parked| (parked.event.event_id, parked.reason.as_str())).collect::<Vec<_>>(), [(bad, "never")]);
        let now = stage.clock.now();
        let replay = || stage.db.write(|tx| async move { outbox::replay(&tx, MAIL.0, bad, now).await });
        assert_eq!(replay().await.expect("it answers"), Replay::Pending);
        assert_eq!(replay().await.expect("it is pending now"), Replay::NotParked);
        assert_eq!(relay.drain().await, 1);
        assert_eq!(stage.script.seen_by(MAIL), ["bad", "good", "bad"]);
    }

    async fn events_of_a_relay_that_died_are_taken_up_after_its_lease(database) {
        struct Die;
        #[async_trait::async_trait]
        impl Deliver for Die {
            async fn deliver(&self, _: &'static str, _: Vec<Event>) -> Vec<(EventId, Outcome)> {
                std::future::pending().await
            }
        }
        let stage = Stage::new(&database).await;
        for topic in ["one", "two"] {
            stage.append("ada", topic, &[MAIL]).await;
        }
        let dead = stage.relay_with(Arc::new(Die));
        assert!(tokio::time::timeout(Duration::from_millis(300), dead.drain()).await.is_err());
        let heir = stage.relay();
        assert_eq!(heir.drain().await, 0);
        stage.clock.advance(Duration::from_millis(2_001));
        assert_eq!(heir.drain().await, 2);
        assert_eq!(stage.script.seen_by(MAIL), ["one", "two"]);
    }

    async fn a_relay_that_lost_its_lease_settles_nothing(database) {
        struct Slow(TestClock, Relay);
        #[async_trait::async_trait]
        impl Deliver for Slow {
            async fn deliver(&self, _: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
                self.0.advance(Duration::from_secs(5));
                self.1.drain().await;
                events.into_iter().map(|event| (event.event_id, retry())).collect()
            }
        }
        let stage = Stage::new(&database).await;
        stage.append("ada", "one", &[MAIL]).await;
        let slow = stage.relay_with(Arc::new(Slow(stage.clock.clone(), stage.relay())));
        assert_eq!(slow.drain().await, 0);
        assert_eq!(stage.script.seen_by(MAIL), ["one"]);
        assert_eq!(stage.pending().await, 0);
    }

    async fn relays_side_by_side_keep_the_order_of_each_subject(database) {
        let stage = Stage::new(&database).await;
        let shutdown = CancellationToken::new();
        let relays: Vec<_> = (0..3).map(|_| stage.relay().run(shutdown.clone())).collect();
        let writers = futures::future::join_all((0..6).map(|writer| {
            let stage = &stage;
            async move {
                for number in 0..15 {
                    stage.append(&format!("{writer}"), &format!("{writer}/{number}"), &[MAIL]).await;
                }
            }
        }));
        let work = async {
            writers.await;
            while stage.pending().await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            shutdown.cancel();
        };
        let all = async { tokio::join!(work, futures::future::join_all(relays)) };
        tokio::time::timeout(Duration::from_mins(1), all).await.expect("all is delivered");
        let seen = stage.script.seen_by(MAIL);
        for writer in 0..6 {
            let own: Vec<&String> = seen.iter().filter(|topic| topic.starts_with(&format!("{writer}/"))).collect();
            assert_eq!(own, (0..15).map(|number| format!("{writer}/{number}")).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        }
    }

    async fn a_commit_wakes_the_relay_before_its_poll(database) {
        let stage = Stage::new(&database).await;
        let config = RelayConfig { poll: Duration::from_hours(1), ..RelayConfig::default() };
        let relay = Relay::new(
            stage.db.clone(),
            Arc::new(stage.clock.clone()),
            Arc::new(SystemEntropy),
            vec![MAIL],
            Arc::clone(&stage.script) as Arc<dyn Deliver>,
            config,
        );
        let shutdown = CancellationToken::new();
        let work = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            stage.append("ada", "one", &[MAIL]).await;
            while stage.pending().await > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            shutdown.cancel();
        };
        let all = async { tokio::join!(relay.run(shutdown.clone()), work) };
        tokio::time::timeout(Duration::from_secs(20), all).await.expect("it did not wait for the poll");
    }

    async fn asvs_v14_2_7_what_is_delivered_is_deleted_after_a_week_and_what_is_parked_is_kept(database) {
        let stage = Stage::new(&database).await;
        stage.script.answer("bad", [park()]);
        stage.append("ada", "good", &[MAIL]).await;
        stage.append("eve", "bad", &[MAIL]).await;
        stage.relay().drain().await;
        let rows = async || integer(&stage.db.reader(), "SELECT count(*) FROM outbox").await;
        sweep::run(&stage.db, stage.clock.advance(Duration::from_hours(6 * 24)), &sweep::Retention::default()).await.expect("it sweeps");
        assert_eq!(rows().await, 2);
        sweep::run(&stage.db, stage.clock.advance(Duration::from_hours(2 * 24)), &sweep::Retention::default()).await.expect("it sweeps");
        assert_eq!(rows().await, 1);
        assert_eq!(outbox::list_parked(&stage.db.reader(), MAIL.0, 10).await.expect("they are listed").len(), 1);
    }
}
