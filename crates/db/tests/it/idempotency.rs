//! A repeated request is recognised.

use std::time::Duration;

use rolecall_db::idempotency::{self, Fingerprint};
use rolecall_db::{Error, sweep};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{RequestId, SubjectId};
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{TestClock, on_each_database};

use crate::example::{count, insert, open};

on_each_database! {
    async fn a_request_is_stored_once_and_found_for_a_day(database) {
        let (db, clock) = (open(&database).await, TestClock::new());
        let (caller, request) = (SubjectId::new(clock.now(), &SystemEntropy), RequestId::new(clock.now(), &SystemEntropy));
        let key = MasterKey::new(&SystemEntropy).keyed_hash(Purpose::RequestFingerprint);
        let fingerprint = Fingerprint::new(&key, "Create", b"thing");
        let run = |number: i64| {
            let (now, fingerprint) = (clock.now(), &fingerprint);
            db.write(move |tx| async move {
                insert(&tx, &format!("thing {number}"), "ada", number).await?;
                idempotency::store(&tx, caller, "Create", request, fingerprint, b"answer", now).await
            })
        };
        let find = async |method| idempotency::find(&db.reader(), caller, method, request).await.expect("it answers");
        assert_eq!(find("Create").await, None);
        run(1).await.expect("the first run is stored");
        let repeated: Error = run(2).await.expect_err("the request was done");
        assert!(repeated.violates(idempotency::CONSTRAINT), "{repeated:?}");
        assert_eq!(count(&db).await, 1);
        let stored = find("Create").await.expect("it is stored");
        assert_eq!((stored.fingerprint, stored.answer.as_slice()), (fingerprint, &b"answer"[..]));
        assert_ne!(stored.fingerprint, Fingerprint::new(&key, "Create", b"another thing"));
        assert_eq!(find("Delete").await, None);
        sweep::run(&db, clock.advance(Duration::from_hours(23)), &sweep::Retention::default()).await.expect("it sweeps");
        assert!(find("Create").await.is_some());
        sweep::run(&db, clock.advance(Duration::from_secs(3_601)), &sweep::Retention::default()).await.expect("it sweeps");
        assert_eq!(find("Create").await, None);
    }
}
