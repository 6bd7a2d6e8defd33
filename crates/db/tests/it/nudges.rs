//! Nudges: who waits is woken by what others commit, long before the next poll.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rolecall_db::relay::{Deliver, Relay, RelayConfig};
use rolecall_db::{Database, Error, Sequencer, SequencerConfig, feed, outbox};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{TestDatabase, on_each_database};
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::example::{open, write_one};
use crate::relay::{MAIL, Stage};

const NEVER: Duration = Duration::from_hours(1);

/// Long enough that whatever is going to happen has happened.
const A_WHILE: Duration = Duration::from_millis(300);

async fn in_time<F: Future>(what: F) -> F::Output {
    timeout(Duration::from_secs(20), what).await.expect("it did not wait for the poll")
}

async fn announce(db: &Database) {
    let announced: Result<(), Error> = db
        .write(|tx| async move {
            tx.announce_change();
            Ok(())
        })
        .await;
    announced.expect("it commits");
}

/// The sessions that hear nudges, in this database.
async fn sessions(db: &Database) -> Vec<i32> {
    let reader = db.reader();
    let text = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'rolecall-example-nudges' AND state = 'idle' AND query LIKE 'SELECT pg_backend_pid%' ORDER BY pid";
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await;
    rows.expect("they are listed").iter().map(|row| row.try_get_by_index(0).expect("a number")).collect()
}

/// Waits until there are other sessions than those, and whoever they woke sleeps again.
async fn new_sessions(db: &Database, count: usize, old: &[i32]) -> Vec<i32> {
    in_time(async {
        loop {
            let now = sessions(db).await;
            if now.len() == count && !now.iter().any(|session| old.contains(session)) {
                sleep(A_WHILE).await;
                return now;
            }
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

on_each_database! {
    async fn an_announced_change_wakes_followers_once_it_is_committed(database) {
        let db = open(&database).await;
        let mut changes = db.feed_changes();
        sleep(A_WHILE).await;
        changes.mark_unchanged();
        let undone: Result<(), Error> = db.write(|tx| async move {
            tx.announce_change();
            Err(Error::Unavailable)
        }).await;
        assert!(undone.is_err());
        write_one(&db, "silent").await.expect("it is written");
        assert!(timeout(A_WHILE, changes.changed()).await.is_err());
        announce(&db).await;
        in_time(changes.changed()).await.expect("it is told");
        assert!(timeout(A_WHILE, changes.changed()).await.is_err(), "its own nudge does not come back");
    }
}

#[tokio::test]
async fn a_relay_of_another_process_is_woken_by_an_event_and_again_after_its_session_was_cut() {
    let database = TestDatabase::postgres().await;
    let (writer, other) = (Stage::new(&database).await, Stage::new(&database).await);
    let config = RelayConfig { poll: NEVER, ..RelayConfig::default() };
    let (clock, deliver) = (Arc::new(other.clock.clone()), Arc::clone(&other.script) as Arc<dyn Deliver>);
    let relay = Relay::new(other.db.clone(), clock, Arc::new(SystemEntropy), vec![MAIL], deliver, config);
    let shutdown = CancellationToken::new();
    let work = async {
        let old = new_sessions(&writer.db, 1, &[]).await;
        for (number, topic) in ["first", "second"].into_iter().enumerate() {
            writer.append("ada", topic, &[MAIL]).await;
            in_time(async {
                while writer.pending().await > 0 {
                    sleep(Duration::from_millis(5)).await;
                }
            })
            .await;
            assert_eq!(other.script.seen_by(MAIL).len(), number + 1);
            cut(&writer.db).await;
            new_sessions(&writer.db, 2, &old).await;
        }
        shutdown.cancel();
    };
    in_time(async { tokio::join!(relay.run(shutdown.clone()), work) }).await;
}

async fn cut(db: &Database) {
    let text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'rolecall-example-nudges'";
    let reader = db.reader();
    let cut = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await;
    assert!(!cut.expect("they are cut").is_empty());
}

#[tokio::test]
async fn a_follower_is_woken_by_an_entry_that_the_sequencer_of_another_process_numbers() {
    let database = TestDatabase::postgres().await;
    let (writer, other) = (Stage::new(&database).await, Stage::new(&database).await);
    let config = SequencerConfig { poll: NEVER, ..SequencerConfig::default() };
    let sequencer = Sequencer::new(other.db.clone(), Arc::new(other.clock.clone()), &SystemEntropy, config);
    let shutdown = CancellationToken::new();
    let work = async {
        let mut changes = writer.db.feed_changes();
        new_sessions(&writer.db, 2, &[]).await;
        changes.mark_unchanged();
        let now = writer.clock.now();
        let appended = writer.db.write(|tx| async move { feed::append(&tx, "feed", b"entry", now).await }).await;
        appended.expect("it is appended");
        in_time(changes.changed()).await.expect("it is told");
        assert_eq!(feed::read_after(&writer.db.reader(), "feed", 0, 10).await.expect("it is read").len(), 1);
        shutdown.cancel();
    };
    in_time(async { tokio::join!(sequencer.run(shutdown.clone()), work) }).await;
}

#[tokio::test]
async fn a_commit_wakes_nobody_in_another_schema() {
    let database = TestDatabase::postgres().await;
    let db = open(&database).await;
    let mut elsewhere = database.config();
    elsewhere.schema = Some("elsewhere".to_owned());
    let elsewhere = Database::connect(&elsewhere, "example", &[]).await.expect("it opens");
    let same = open(&database).await;
    let (mut there, mut here) = (elsewhere.feed_changes(), same.feed_changes());
    new_sessions(&db, 2, &[]).await;
    there.mark_unchanged();
    here.mark_unchanged();
    announce(&db).await;
    in_time(here.changed()).await.expect("it is told");
    assert!(timeout(A_WHILE, there.changed()).await.is_err());
}

#[tokio::test]
async fn a_session_is_opened_when_it_is_needed_and_ends_with_its_database() {
    let database = TestDatabase::postgres().await;
    let witness = open(&database).await;
    write_one(&witness, "silent").await.expect("it is written");
    assert!(sessions(&witness).await.is_empty());
    let (closed, dropped) = (open(&database).await, open(&database).await);
    let _ = (closed.feed_changes(), dropped.feed_changes());
    new_sessions(&witness, 2, &[]).await;
    closed.close().await;
    drop(dropped);
    new_sessions(&witness, 0, &[]).await;
    assert_eq!(outbox::pending(&witness.reader()).await.expect("it is counted"), 0);
}
