//! Feeds: dense numbers in commit order, whatever the order of beginnings.

use std::sync::Arc;
use std::time::Duration;

use rolecall_db::{Database, Error, FeedEntry, Sequencer, SequencerConfig, feed};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{TestClock, TestDatabase, on_each_database};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::example::open;

const FEED: &str = "changes";

fn sequencer(db: &Database, clock: &TestClock) -> Sequencer {
    Sequencer::new(db.clone(), Arc::new(clock.clone()), &SystemEntropy, SequencerConfig::default())
}

async fn append(db: &Database, clock: &TestClock, payload: &str) {
    let (payload, now) = (payload.as_bytes(), clock.now());
    db.write(|tx| async move { feed::append(&tx, FEED, payload, now).await }).await.expect("it is appended");
}

async fn read(db: &Database, after: i64) -> Vec<FeedEntry> {
    feed::read_after(&db.reader(), FEED, after, 1_000).await.expect("it is read")
}

fn seqs(entries: &[FeedEntry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.seq).collect()
}

fn payloads(entries: &[FeedEntry]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.payload).into_owned()).collect()
}

on_each_database! {
    async fn entries_are_numbered_without_gaps_and_only_once_committed(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let sequencer = sequencer(&db, &clock);
        assert_eq!((feed::head(&db.reader(), FEED).await.ok(), feed::oldest(&db.reader(), FEED).await.ok()), (Some(0), Some(1)));
        append(&db, &clock, "a").await;
        let now = clock.now();
        let undone: Result<(), Error> = db.write(|tx| async move {
            feed::append(&tx, FEED, b"undone", now).await?;
            Err(Error::Unavailable)
        }).await;
        assert!(undone.is_err());
        append(&db, &clock, "b").await;
        assert!(read(&db, 0).await.is_empty());
        assert_eq!(sequencer.drain().await.expect("it numbers"), 2);
        assert_eq!(payloads(&read(&db, 0).await), ["a", "b"]);
        assert_eq!(seqs(&read(&db, 0).await), [1, 2]);
        assert_eq!(seqs(&read(&db, 1).await), [2]);
        assert_eq!(feed::head(&db.reader(), FEED).await.ok(), Some(2));
    }

    async fn a_reader_can_tell_since_when_entries_wait_for_their_numbers(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let sequencer = sequencer(&db, &clock);
        let waiting = || async { feed::waiting_since(&db.reader(), FEED).await.expect("it is read") };
        assert_eq!(waiting().await, None);
        let now = clock.now();
        let other = db.write(|tx| async move { feed::append(&tx, "another feed", b"waits", now).await });
        other.await.expect("it is appended");
        clock.advance(Duration::from_secs(1));
        append(&db, &clock, "first").await;
        let first = clock.now();
        clock.advance(Duration::from_secs(1));
        append(&db, &clock, "second").await;
        assert_eq!(waiting().await, Some(first));
        sequencer.drain().await.expect("it numbers");
        assert_eq!(waiting().await, None);
    }

    async fn numbers_given_at_once_and_later_share_one_sequence(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let sequencer = sequencer(&db, &clock);
        append(&db, &clock, "later").await;
        let now = clock.now();
        let seq = db.write(|tx| async move { feed::append_numbered(&tx, FEED, b"at once", now).await }).await;
        assert_eq!(seq.ok(), Some(1));
        sequencer.drain().await.expect("it numbers");
        assert_eq!(payloads(&read(&db, 0).await), ["at once", "later"]);
    }

    async fn another_sequencer_waits_for_the_lease_and_then_goes_on(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let (one, two) = (sequencer(&db, &clock), sequencer(&db, &clock));
        append(&db, &clock, "a").await;
        assert_eq!(one.drain().await.expect("it numbers"), 1);
        append(&db, &clock, "b").await;
        assert_eq!(two.drain().await.expect("it is not its turn"), 0);
        clock.advance(Duration::from_secs(3));
        assert_eq!(two.drain().await.expect("the first is gone"), 1);
        assert_eq!(seqs(&read(&db, 0).await), [1, 2]);
    }

    async fn a_follower_under_load_sees_every_entry_once(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let (shutdown, sequencers) = (CancellationToken::new(), [sequencer(&db, &clock), sequencer(&db, &clock)]);
        let writers = futures::future::join_all((0..8).map(|writer| {
            let (db, clock) = (&db, &clock);
            async move {
                for number in 0..12 {
                    append(db, clock, &format!("{writer}/{number}")).await;
                }
            }
        }));
        let follower = async {
            let mut seen: Vec<FeedEntry> = Vec::new();
            while seen.len() < 96 {
                seen.extend(read(&db, seen.last().map_or(0, |entry| entry.seq)).await);
                clock.advance(Duration::from_millis(100));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            shutdown.cancel();
            seen
        };
        let running = futures::future::join_all(sequencers.map(|sequencer| sequencer.run(shutdown.clone())));
        let all = async { tokio::join!(writers, follower, running).1 };
        let seen = tokio::time::timeout(Duration::from_mins(1), all).await.expect("nothing is missed");
        assert_eq!(seqs(&seen), (1..=96).collect::<Vec<_>>());
        for writer in 0..8 {
            let own: Vec<String> = payloads(&seen).into_iter().filter(|payload| payload.starts_with(&format!("{writer}/"))).collect();
            assert_eq!(own, (0..12).map(|number| format!("{writer}/{number}")).collect::<Vec<_>>());
        }
    }

    async fn trimming_keeps_the_head_and_says_what_is_left(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let sequencer = sequencer(&db, &clock);
        append(&db, &clock, "old").await;
        sequencer.drain().await.expect("it numbers");
        clock.advance(Duration::from_hours(8 * 24));
        append(&db, &clock, "new").await;
        sequencer.drain().await.expect("it numbers");
        assert_eq!(sequencer.trim().await.expect("it trims"), 1);
        assert_eq!(feed::oldest(&db.reader(), FEED).await.ok(), Some(2));
        clock.advance(Duration::from_hours(8 * 24));
        assert_eq!(sequencer.trim().await.expect("it trims"), 1);
        assert_eq!((feed::head(&db.reader(), FEED).await.ok(), feed::oldest(&db.reader(), FEED).await.ok()), (Some(2), Some(3)));
        append(&db, &clock, "newest").await;
        sequencer.drain().await.expect("it numbers");
        assert_eq!(seqs(&read(&db, 2).await), [3]);
    }
}

/// The trap of "greater than the last one seen": who began first commits last.
#[tokio::test]
async fn a_transaction_that_commits_late_is_not_missed_on_postgres() {
    let database = TestDatabase::postgres().await;
    let (db, clock) = (open(&database).await, TestClock::new());
    let sequencer = sequencer(&db, &clock);
    let (began, has_begun) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let (began, may_go_on) = (std::sync::Mutex::new(Some(began)), tokio::sync::Mutex::new(Some(may_go_on)));
    let now = clock.now();
    let (began, may_go_on) = (&began, &may_go_on);
    let late = db.write(|tx| async move {
        feed::append(&tx, FEED, b"late", now).await?;
        let began = began.lock().expect("not poisoned").take();
        began.expect("one try").send(()).expect("somebody listens");
        let wait = may_go_on.lock().await.take();
        wait.expect("one try").await.expect("somebody speaks");
        Ok::<_, Error>(())
    });
    let early = async {
        has_begun.await.expect("it began");
        append(&db, &clock, "early").await;
        assert_eq!(sequencer.drain().await.expect("it numbers"), 1);
        assert_eq!(payloads(&read(&db, 0).await), ["early"]);
        go_on.send(()).expect("somebody listens");
    };
    let (late, ()) = tokio::join!(late, early);
    late.expect("it commits");
    assert_eq!(sequencer.drain().await.expect("it numbers"), 1);
    assert_eq!(payloads(&read(&db, 1).await), ["late"]);
    assert_eq!(seqs(&read(&db, 0).await), [1, 2]);
}
