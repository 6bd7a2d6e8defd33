//! Handled once, however often delivered.

use rolecall_db::{Error, inbox};
use rolecall_kernel::time::Timestamp;
use rolecall_testkit::on_each_database;

use crate::example::{event_id, insert, integer, open};

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

on_each_database! {
    async fn an_event_is_accepted_once_by_each_source(database) {
        let db = open(&database).await;
        let event = event_id();
        for (source, fresh) in [("identity", true), ("identity", false), ("organization", true)] {
            let accepted = db.write(|tx| async move { inbox::accept(&tx, source, event, NOW).await }).await;
            assert_eq!(accepted.expect("the inbox answers"), fresh);
        }
    }

    async fn an_event_whose_handling_failed_is_accepted_again(database) {
        let db = open(&database).await;
        let event = event_id();
        let failed: Result<(), Error> = db.write(|tx| async move {
            assert!(inbox::accept(&tx, "identity", event, NOW).await?);
            Err(Error::Unavailable)
        }).await;
        assert!(failed.is_err());
        assert!(db.write(|tx| async move { inbox::accept(&tx, "identity", event, NOW).await }).await.expect("it answers"));
    }

    async fn an_event_delivered_by_many_at_once_is_handled_once(database) {
        let db = open(&database).await;
        let event = event_id();
        let handle = || db.write(|tx| async move {
            if inbox::accept(&tx, "identity", event, NOW).await? {
                insert(&tx, "handled", "ada", 1).await?;
            }
            Ok::<_, Error>(())
        });
        for outcome in futures::future::join_all((0..8).map(|_| handle())).await {
            outcome.expect("each delivery is answered");
        }
        assert_eq!(integer(&db.reader(), "SELECT count(*) FROM things").await, 1);
    }
}
