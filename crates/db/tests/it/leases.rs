//! One worker among many.

use std::time::Duration;

use rolecall_db::{Error, leases};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{TestClock, on_each_database};
use sea_orm::prelude::Uuid;

use crate::example::open;

const TTL: Duration = Duration::from_secs(10);
const ADA: Uuid = Uuid::from_bytes([1; 16]);
const EVE: Uuid = Uuid::from_bytes([2; 16]);

on_each_database! {
    async fn a_lease_has_one_holder_until_it_expires(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let acquire = async |holder| leases::try_acquire(&db, "work", holder, TTL, clock.now()).await.expect("it answers");
        let mut first = acquire(ADA).await.expect("it is free");
        assert!(acquire(EVE).await.is_none());
        assert_eq!(acquire(ADA).await.map(|lease| lease.epoch), Some(first.epoch));
        clock.advance(Duration::from_secs(9));
        assert!(leases::renew(&db, &mut first, TTL, clock.now()).await.expect("it answers"));
        clock.advance(Duration::from_secs(9));
        assert!(acquire(EVE).await.is_none());
        clock.advance(Duration::from_secs(1));
        let second = acquire(EVE).await.expect("it expired");
        assert!(second.epoch > first.epoch);
        assert!(!leases::renew(&db, &mut first, TTL, clock.now()).await.expect("it answers"));
    }

    async fn a_returned_lease_is_free_at_once(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let lease = leases::try_acquire(&db, "work", ADA, TTL, clock.now()).await.expect("it answers").expect("it is free");
        leases::release(&db, lease).await.expect("it answers");
        assert!(leases::try_acquire(&db, "work", EVE, TTL, clock.now()).await.expect("it answers").is_some());
    }

    async fn a_holder_that_overslept_is_fenced_off(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let lease = leases::try_acquire(&db, "work", ADA, TTL, clock.now()).await.expect("it answers").expect("it is free");
        let lease = &lease;
        let holds = || db.write(|tx| async move { leases::fence(&tx, lease).await });
        assert!(holds().await.expect("it answers"));
        clock.advance(Duration::from_secs(11));
        leases::try_acquire(&db, "work", EVE, TTL, clock.now()).await.expect("it answers").expect("it expired");
        assert!(!holds().await.expect("it answers"));
    }

    async fn of_many_that_ask_at_once_one_gets_the_lease(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let asking = (1..=8).map(|byte| leases::try_acquire(&db, "work", Uuid::from_bytes([byte; 16]), TTL, clock.now()));
        let answers: Result<Vec<_>, Error> = futures::future::join_all(asking).await.into_iter().collect();
        assert_eq!(answers.expect("all are answered").into_iter().flatten().count(), 1);
    }
}
