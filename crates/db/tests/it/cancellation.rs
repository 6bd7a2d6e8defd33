//! A caller that goes away must not take somebody else's write along (sqlx issues 4385 and 4393).

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use rolecall_db::{Database, DatabaseConfig, Error};
use rolecall_testkit::TestDatabase;
use rolecall_testkit::on_each_database;

use crate::example::{count, execute, insert, integer, open, steps, write_one};

/// Polls a future so many times, then drops it; `true` when it ended before.
async fn poll_times<F: Future>(future: F, times: usize) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    std::future::poll_fn(|context| {
        if future.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        polled += 1;
        if polled > times { Poll::Ready(false) } else { Poll::Pending }
    })
    .await
}

/// Cancels writes after every number of polls; after each, writes a row without a transaction and
/// is told that all is well. Returns how many of those rows are there in the end, and how many should be.
async fn sweep(db: &Database, config: &DatabaseConfig) -> (i64, i64) {
    let mut acknowledged = 0;
    for round in 0..10 {
        for times in 0..12 {
            let cancelled = db
                .write(|tx| async move { insert(&tx, "cancelled", "eve", 1).await.and(Err::<(), _>(Error::Conflict)) });
            poll_times(cancelled, times).await;
            let name = format!("{round}-{times}");
            let text = "INSERT INTO things (name, owner, number) VALUES ($1, $1, 1)";
            if execute(db.unguarded_writer(), text, vec![name.into()]).await.is_ok() {
                acknowledged += 1;
            }
        }
    }
    // What was left open is rolled back when its connection goes.
    db.clone().close().await;
    let witness = Database::connect(config, "example", &[]).await.expect("it opens");
    (integer(&witness.reader(), "SELECT count(*) FROM things WHERE owner <> 'eve'").await, acknowledged)
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_when_others_are_cancelled() {
    let database = TestDatabase::postgres().await;
    let mut config = database.config();
    config.max_connections = 2;
    let db = Database::connect(&config, "example", &[]).await.expect("it opens");
    db.migrate(steps()).await.expect("the schema is made");
    let (there, acknowledged) = sweep(&db, &config).await;
    assert_eq!(there, acknowledged);
    assert_eq!(acknowledged, 120);
}

#[tokio::test]
async fn without_the_guard_an_acknowledged_write_is_lost() {
    let database = TestDatabase::postgres().await;
    open(&database).await.close().await;
    let mut config = database.config();
    config.max_connections = 2;
    let db = Database::connect_unguarded(&config, "example").await.expect("it opens");
    let (there, acknowledged) = sweep(&db, &config).await;
    assert!(there < acknowledged, "the reproduction shows nothing: {there} of {acknowledged} are there");
}

on_each_database! {
    async fn asvs_v2_3_3_writes_cancelled_anywhere_are_whole_or_absent(database) {
        let db = open(&database).await;
        let mut ended = 0;
        for times in 0..40 {
            let name = format!("{times}");
            let name = name.as_str();
            let both = db.write(|tx| async move {
                insert(&tx, name, name, 1).await?;
                insert(&tx, &format!("{name} twin"), name, 2).await
            });
            if poll_times(both, times).await {
                ended += 1;
            }
        }
        write_one(&db, "last").await.expect("the next write goes on");
        let halves = "SELECT count(*) FROM (SELECT owner FROM things WHERE owner <> 'last' GROUP BY owner HAVING count(*) <> 2) AS halves";
        assert_eq!(integer(&db.reader(), halves).await, 0);
        assert!(count(&db).await > 2 * ended);
    }
}
