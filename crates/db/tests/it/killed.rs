//! A writer that is killed leaves nothing behind, not even a lock.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rolecall_db::{Database, DatabaseConfig, Error, outbox};
use rolecall_testkit::on_each_database;

use crate::example::{count, insert, open, write_one};

const URL: &str = "ROLECALL_TEST_CHILD_URL";

on_each_database! {
    async fn a_killed_writer_leaves_nothing(database) {
        let db = open(&database).await;
        for round in 0..3 {
            let url = secrecy::ExposeSecret::expose_secret(&database.config().url).to_owned();
            let killed = tokio::task::spawn_blocking(move || kill_a_writer(&url));
            killed.await.expect("the writer was killed");
            let next = tokio::time::timeout(Duration::from_secs(5), try_contested(&db));
            let next = next.await.expect("no lock is left");
            assert!(matches!(next, Err(Error::Unavailable)), "the place is free: {next:?}");
            write_one(&db, &format!("kept {round}")).await.expect("the next write goes on");
        }
        assert_eq!(count(&db).await, 3);
        assert_eq!(outbox::pending(&db.reader()).await.expect("it is counted"), 0);
    }
}

/// Inserts the row that the killed writer inserted, and takes it back.
async fn try_contested(db: &Database) -> Result<(), Error> {
    db.write(|tx| async move {
        insert(&tx, "contested", "eve", 1).await?;
        Err(Error::Unavailable)
    })
    .await
}

/// Starts this program as a writer and kills it inside its transaction.
fn kill_a_writer(url: &str) {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.args(["--exact", "killed::writer", "--ignored", "--nocapture"]).env(URL, url).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let said = BufReader::new(child.stdout.take().expect("it has an output"));
    let is_open = said.lines().map_while(Result::ok).any(|line| line.contains("has written"));
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    assert!(is_open, "the writer did not come to its transaction");
}

/// The writer; not a test of its own.
#[tokio::test]
#[ignore = "the part of another test that is killed"]
async fn writer() {
    #[expect(clippy::disallowed_methods, reason = "the parent hands the address over")]
    let url = std::env::var(URL).expect("the parent gives an address");
    let db = Database::connect(&DatabaseConfig::new(url), "example", &[]).await.expect("it opens");
    let written: Result<(), Error> = db
        .write(|tx| async move {
            insert(&tx, "contested", "eve", 1).await?;
            println!("has written");
            std::future::pending().await
        })
        .await;
    written.expect("never");
}
