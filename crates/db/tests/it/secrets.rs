//! Secret payloads: gone as soon as nobody waits for them, and never delivered empty.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rolecall_db::outbox::{Parked, Replay};
use rolecall_db::relay::{Deliver, Outcome, Relay, RelayConfig};
use rolecall_db::{Consumer, Event, outbox};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::sync::Barrier;

use crate::relay::{AUDIT, MAIL, Stage, park, retry};

async fn append(stage: &Stage, subject: &str, topic: &str, consumers: &[Consumer]) -> EventId {
    let event = &stage.event(subject, topic);
    let appended = stage.db.write(|tx| async move { outbox::append_secret(&tx, event, consumers).await }).await;
    appended.expect("it is appended");
    event.event_id
}

/// The stored payloads, in order.
async fn payloads(stage: &Stage) -> Vec<Vec<u8>> {
    let reader = stage.db.reader();
    let text = "SELECT payload FROM outbox ORDER BY position";
    let rows = reader.query_all_raw(Statement::from_string(reader.get_database_backend(), text)).await;
    rows.expect("they are read").iter().map(|row| row.try_get_by_index(0).expect("bytes")).collect()
}

async fn parked(stage: &Stage, consumer: Consumer) -> Vec<Parked> {
    outbox::list_parked(&stage.db.reader(), consumer.0, 10).await.expect("they are listed")
}

async fn replay(stage: &Stage, consumer: Consumer, event_id: EventId) -> Replay {
    let now = stage.clock.now();
    let replayed = stage.db.write(|tx| async move { outbox::replay(&tx, consumer.0, event_id, now).await }).await;
    replayed.expect("it answers")
}

const KEPT: &[u8] = &[0, 1, 255];
const ERASED: &[u8] = &[];

on_each_database! {
    async fn a_secret_is_erased_once_it_is_delivered_and_others_are_kept(database) {
        let stage = Stage::new(&database).await;
        append(&stage, "ada", "secret", &[MAIL]).await;
        stage.append("ada", "plain", &[MAIL]).await;
        assert_eq!(payloads(&stage).await, [KEPT, KEPT]);
        assert_eq!(stage.relay().drain().await, 2);
        assert_eq!(payloads(&stage).await, [ERASED, KEPT]);
        assert_eq!(stage.script.seen_by(MAIL), ["secret", "plain"]);
    }

    async fn a_secret_that_is_tried_again_is_kept_until_it_is_delivered(database) {
        let stage = Stage::new(&database).await;
        stage.script.answer("secret", [retry()]);
        append(&stage, "ada", "secret", &[MAIL]).await;
        stage.relay().drain().await;
        assert_eq!(payloads(&stage).await, [KEPT]);
        stage.clock.advance(Duration::from_secs(2));
        assert_eq!(stage.relay().drain().await, 1);
        assert_eq!(payloads(&stage).await, [ERASED]);
    }

    async fn a_parked_secret_is_erased_and_stays_parked_for_all_to_see(database) {
        let stage = Stage::new(&database).await;
        stage.script.answer("secret", [park()]);
        stage.script.answer("plain", [park()]);
        let secret = append(&stage, "ada", "secret", &[MAIL]).await;
        let plain = stage.append("ada", "plain", &[MAIL]).await;
        stage.relay().drain().await;
        assert_eq!(payloads(&stage).await, [ERASED, KEPT]);
        let listed = parked(&stage, MAIL).await;
        let told: Vec<_> = listed.iter().map(|parked| (parked.event.event_id, parked.is_erased)).collect();
        assert_eq!(told, [(secret, true), (plain, false)]);
        assert_eq!(replay(&stage, MAIL, secret).await, Replay::Erased);
        assert_eq!(parked(&stage, MAIL).await, listed);
        assert_eq!(stage.relay().drain().await, 0);
        assert_eq!(stage.script.seen_by(MAIL), ["secret", "plain"]);
    }

    async fn a_secret_is_kept_for_the_consumer_that_still_waits_for_it(database) {
        let stage = Stage::new(&database).await;
        stage.script.answer("secret", [park(), retry()]);
        let secret = append(&stage, "ada", "secret", &[MAIL, AUDIT]).await;
        stage.relay().drain().await;
        assert_eq!((parked(&stage, MAIL).await.len(), stage.pending().await), (1, 1));
        assert_eq!(payloads(&stage).await, [KEPT]);
        assert_eq!(replay(&stage, MAIL, secret).await, Replay::Pending, "it is still there");
        stage.clock.advance(Duration::from_secs(2));
        assert_eq!(stage.relay().drain().await, 2);
        assert_eq!(payloads(&stage).await, [ERASED]);
    }

    async fn a_secret_is_erased_by_whichever_of_two_relays_settles_last(database) {
        /// Lets two relays settle at the same moment.
        struct Together(Barrier, Mutex<Vec<Vec<u8>>>);
        #[async_trait::async_trait]
        impl Deliver for Together {
            async fn deliver(&self, _: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
                self.0.wait().await;
                self.1.lock().expect("not poisoned").extend(events.iter().map(|event| event.payload.clone()));
                events.into_iter().map(|event| (event.event_id, Outcome::Done)).collect()
            }
        }
        let stage = Stage::new(&database).await;
        let together = Arc::new(Together(Barrier::new(2), Mutex::default()));
        let relay = |consumer| {
            let (clock, deliver) = (Arc::new(stage.clock.clone()), Arc::clone(&together) as Arc<dyn Deliver>);
            Relay::new(stage.db.clone(), clock, Arc::new(SystemEntropy), vec![consumer], deliver, RelayConfig::default())
        };
        let (mail, audit) = (relay(MAIL), relay(AUDIT));
        for round in 1..=10 {
            append(&stage, "ada", "secret", &[MAIL, AUDIT]).await;
            assert_eq!(tokio::join!(mail.drain(), audit.drain()), (1, 1));
            assert_eq!(payloads(&stage).await, vec![Vec::<u8>::new(); round]);
        }
        assert!(together.1.lock().expect("not poisoned").iter().all(|payload| payload == KEPT));
    }
}
