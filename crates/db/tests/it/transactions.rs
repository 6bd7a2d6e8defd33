//! Writing: all or nothing, named violations, conflicts.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use rolecall_db::{Backend, Error, LockRows as _, Tx};
use rolecall_testkit::on_each_database;
use sea_orm::sea_query::{Alias, Query};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use tokio::sync::Barrier;

use crate::example::{count, execute, insert, integer, open, write_one};

on_each_database! {
    async fn an_error_leaves_nothing_and_success_leaves_all(database) {
        let db = open(&database).await;
        let refused: Result<(), Error> = db.write(|tx| async move {
            insert(&tx, "a", "ada", 1).await?;
            Err(Error::Unavailable)
        }).await;
        assert!(matches!(refused, Err(Error::Unavailable)));
        assert_eq!(count(&db).await, 0);
        let written: Result<i64, Error> = db.write(|tx| async move {
            insert(&tx, "a", "ada", 1).await?;
            insert(&tx, "b", "ada", 2).await?;
            Ok(integer(&tx, "SELECT count(*) FROM things").await)
        }).await;
        assert!(matches!(written, Ok(2)));
        assert_eq!(count(&db).await, 2);
    }

    async fn a_violated_constraint_is_reported_by_its_name(database) {
        let db = open(&database).await;
        write_one(&db, "a").await.expect("the first is new");
        let by_key: Error =
            db.write(|tx| async move { insert(&tx, "a", "b", 2).await }).await.expect_err("the name is taken");
        assert!(by_key.violates("things_pkey"), "{by_key:?}");
        let by_pair: Error = db.write(|tx| async move { insert(&tx, "b", "a", 1).await }).await.expect_err("the pair is taken");
        assert!(by_pair.violates("things_owner_number_key"), "{by_pair:?}");
        assert!(!by_pair.violates("things_pkey"));
        assert_eq!(count(&db).await, 1);
    }

    async fn an_ignored_failure_still_rolls_back(database) {
        let db = open(&database).await;
        write_one(&db, "a").await.expect("the first is new");
        let ignored: Result<(), Error> = db.write(|tx| async move {
            insert(&tx, "b", "b", 1).await?;
            assert!(insert(&tx, "a", "a", 1).await.is_err());
            Ok(())
        }).await;
        assert!(matches!(ignored, Err(Error::Internal(_))), "{ignored:?}");
        assert_eq!(count(&db).await, 1);
    }

    async fn a_transaction_that_asks_for_another_connection_is_found_by_the_first_test_that_runs_it(database) {
        let db = open(&database).await;
        let db = &db;
        let reads = db.write(|_| async move { Ok::<_, Error>(count(db).await) });
        let writes = db.write(|_| async move { write_one(db, "a").await });
        let (reads, writes) = (AssertUnwindSafe(reads).catch_unwind().await, AssertUnwindSafe(writes).catch_unwind().await);
        assert!(reads.is_err() && writes.is_err());
        assert_eq!(count(db).await, 0);
        write_one(db, "a").await.expect("one after the other");
    }

    async fn a_reader_cannot_write(database) {
        let db = open(&database).await;
        assert!(insert(&db.reader(), "a", "ada", 1).await.is_err());
        assert_eq!(count(&db).await, 0);
    }

    async fn a_dropped_write_leaves_nothing_and_the_next_goes_on(database) {
        let db = open(&database).await;
        for round in 0..20 {
            let abandoned = db.write(|tx| async move {
                insert(&tx, "abandoned", "ada", round).await?;
                std::future::pending::<Result<(), Error>>().await
            });
            assert!(tokio::time::timeout(Duration::from_millis(20), abandoned).await.is_err());
            write_one(&db, &format!("kept {round}")).await.expect("the next write goes on");
        }
        assert_eq!(integer(&db.reader(), "SELECT count(*) FROM things WHERE name = 'abandoned'").await, 0);
        assert_eq!(count(&db).await, 20);
    }

    async fn a_transaction_kept_beyond_its_closure_is_refused(database) {
        let db = open(&database).await;
        let kept = std::sync::Mutex::new(None);
        let outcome: Result<(), Error> = db.write(|tx| {
            *kept.lock().expect("not poisoned") = Some(tx.clone());
            async move { insert(&tx, "a", "ada", 1).await }
        }).await;
        assert!(matches!(outcome, Err(Error::Internal(_))));
        drop(kept);
        write_one(&db, "b").await.expect("the next write goes on");
        assert_eq!(count(&db).await, 1);
    }

    async fn increments_by_many_are_never_lost(database) {
        let db = open(&database).await;
        insert_counter(&db).await;
        let writers = (0..8).map(|_| async {
            for _ in 0..10 {
                db.write(increment).await.expect("the lock is waited for");
            }
        });
        futures::future::join_all(writers).await;
        assert_eq!(integer(&db.reader(), "SELECT number FROM things").await, 80);
    }

    async fn asvs_v15_4_3_a_conflict_is_retried_from_outside(database) {
        let db = open(&database).await;
        let tries = AtomicU32::new(0);
        let conflicts = |tx: Tx| async {
            let tx = tx;
            if tries.fetch_add(1, Ordering::SeqCst) < 2 { provoke(&tx).await } else { insert(&tx, "a", "ada", 1).await }
        };
        if database.backend() == Backend::Sqlite {
            // SQLite's single writer meets nobody; see the test with a second process's lock below.
            return;
        }
        db.write(conflicts).await.expect("the third try succeeds");
        assert_eq!(tries.load(Ordering::SeqCst), 3);
        assert_eq!(count(&db).await, 1);
    }
}

/// Makes PostgreSQL report a serialization failure.
async fn provoke(tx: &Tx) -> Result<(), Error> {
    let text = "DO $$ BEGIN RAISE EXCEPTION 'met another' USING ERRCODE = 'serialization_failure'; END $$";
    tx.execute_unprepared(text).await?;
    Ok(())
}

async fn insert_counter(db: &rolecall_db::Database) {
    db.write(|tx| async move { insert(&tx, "counter", "ada", 0).await }).await.expect("it is new");
}

/// Reads under a lock, then writes what was read plus one.
async fn increment(tx: Tx) -> Result<(), Error> {
    let mut query = Query::select();
    query.column(Alias::new("number")).from(Alias::new("things")).lock(sea_orm::sea_query::LockType::Update);
    let row = tx.query_one(&query).await?.expect("the counter is there");
    let number: i64 = row.try_get_by_index(0)?;
    execute(&tx, "UPDATE things SET number = $1", vec![(number + 1).into()]).await.map(drop)
}

#[tokio::test]
async fn asvs_v15_4_3_two_that_wait_for_each_other_both_succeed_on_postgres() {
    let database = rolecall_testkit::TestDatabase::postgres().await;
    let db = open(&database).await;
    write_one(&db, "a").await.expect("new");
    write_one(&db, "b").await.expect("new");
    let met = Barrier::new(2);
    let first_try = [AtomicU32::new(0), AtomicU32::new(0)];
    let crossing = |index: usize, one: &'static str, other: &'static str| {
        let (db, met, first_try) = (&db, &met, &first_try);
        async move {
            db.write(|tx: Tx| async move {
                let add = "UPDATE things SET number = number + 1 WHERE name = $1";
                execute(&tx, add, vec![one.into()]).await?;
                if first_try[index].fetch_add(1, Ordering::SeqCst) == 0 {
                    met.wait().await;
                }
                execute(&tx, add, vec![other.into()]).await.map(drop)
            })
            .await
        }
    };
    let (left, right): (Result<(), Error>, Result<(), Error>) =
        tokio::join!(crossing(0, "a", "b"), crossing(1, "b", "a"));
    left.and(right).expect("the deadlock's victim is tried again");
    assert_eq!(integer(&db.reader(), "SELECT min(number) FROM things").await, 3);
}

#[tokio::test]
async fn another_process_that_holds_the_sqlite_file_is_waited_for() {
    let database = rolecall_testkit::TestDatabase::sqlite().await;
    let db = open(&database).await;
    let other = database.connect("example", &[]).await;
    let held = other.write(|tx| async move {
        insert(&tx, "other", "ada", 1).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<_, Error>(())
    });
    let (held, ours) = tokio::join!(held, async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        write_one(&db, "ours").await
    });
    held.and(ours).expect("both are written");
    assert_eq!(count(&db).await, 2);
}

#[tokio::test]
async fn a_statement_beyond_its_time_is_a_timeout() {
    let database = rolecall_testkit::TestDatabase::postgres().await;
    let mut config = database.config();
    config.statement_timeout = Duration::from_millis(100);
    let db = rolecall_db::Database::connect(&config, "example", &[]).await.expect("it opens");
    let slow: Result<(), Error> = db
        .write(|tx| async move {
            tx.execute_unprepared("SELECT pg_sleep(5)").await?;
            Ok(())
        })
        .await;
    assert!(matches!(slow, Err(Error::Timeout)), "{slow:?}");
}

/// ASVS: V16.5.2
#[tokio::test]
async fn asvs_v13_1_2_a_full_pool_and_a_dead_server_are_unavailable() {
    let cluster = rolecall_testkit::postgres::Cluster::private().await;
    let fresh = cluster.fresh().await;
    let mut config = rolecall_db::DatabaseConfig::new(fresh.url());
    config.acquire_timeout = Duration::from_millis(500);
    config.max_connections = 2;
    let db = rolecall_db::Database::connect(&config, "example", &[]).await.expect("it opens");
    let occupied = db.write(|_| async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        Ok::<_, Error>(())
    });
    let (occupied, waiting) = tokio::join!(occupied, db.write(|_| async { Ok::<_, Error>(()) }));
    occupied.expect("the first has the connection");
    assert!(matches!(waiting, Err(Error::Unavailable)), "{waiting:?}");
    cluster.kill().await;
    assert!(matches!(db.ping().await, Err(Error::Unavailable)));
    cluster.start().await;
    db.ping().await.expect("new connections are made");
    db.write(|_| async { Ok::<_, Error>(()) }).await.expect("new connections are made");
}

#[tokio::test]
async fn errors_of_connecting_say_what_to_do_and_hold_no_password() {
    for (url, hint) in [
        ("mysql://ada:secret@localhost/x", "sqlite:///absolute"),
        ("sqlite::memory:", "sqlite:///absolute"),
        ("sqlite://relative-secret.db", "sqlite:///absolute"),
        ("sqlite:///nowhere/at/all/x.db", "check that its directory exists"),
        ("postgres://ada:secret@127.0.0.1:1/x", "check that it runs"),
    ] {
        let config = rolecall_db::DatabaseConfig::new(url);
        let error =
            rolecall_db::Database::connect(&config, "example", &[]).await.expect_err("it cannot open").to_string();
        assert!(error.contains(hint) && error.contains("example") && !error.contains("secret"), "{error}");
    }
    let fresh = rolecall_testkit::postgres::fresh_url().await;
    let config = rolecall_db::DatabaseConfig::new(format!("{}x", fresh.url()));
    let error =
        rolecall_db::Database::connect(&config, "example", &[]).await.expect_err("no such database").to_string();
    assert!(error.contains("does not exist") && error.contains("check the user"), "{error}");
}

#[test]
fn rows_are_locked_on_postgres_only() {
    use sea_orm::{DbBackend, QueryTrait as _};
    let locked = sea_orm_migration::seaql_migrations::Entity::find().lock_for_update();
    assert!(locked.build(DbBackend::Postgres).to_string().ends_with("FOR UPDATE"));
    assert!(!locked.build(DbBackend::Sqlite).to_string().contains("FOR UPDATE"));
}

#[tokio::test]
async fn a_new_sqlite_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("private.db");
    let config = rolecall_db::DatabaseConfig::new(format!("sqlite://{}", path.display()));
    let db = rolecall_db::Database::connect(&config, "example", &[]).await.expect("it opens");
    db.migrate(vec![]).await.expect("it migrates");
    for file in std::fs::read_dir(directory.path()).expect("a directory").flatten() {
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file:?} has the mode {mode:o}");
    }
}
