//! Mails reach a mail server that misbehaves: all of them, none twice without a crash.

use std::time::Duration;

use rolecall_api::notification::v1::DeliveryState;
use rolecall_testkit::{Behaviour, on_each_database};
use secrecy::SecretString;

use crate::notifications::{send, to, user};
use crate::world::{CODE, DAY, MINUTE, World, smtp};

const PATIENCE: Duration = Duration::from_secs(10);

/// Reads every column of the table that may hold a secret.
async fn secrets(world: &World) -> usize {
    use sea_orm::ConnectionTrait as _;
    let reader = world.db.reader();
    let text = "SELECT delivery_id FROM deliveries WHERE sealed_secret IS NOT NULL";
    let statement = sea_orm::Statement::from_string(reader.get_database_backend(), text);
    reader.query_all_raw(statement).await.expect("read").len()
}

on_each_database! {
    async fn a_deferred_mail_is_sent_later_and_once(database) {
        let world = World::new(database).await;
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        world.sink.script([Behaviour::DeferRecipient, Behaviour::RefuseConnection, Behaviour::DeferData]);
        assert_eq!(world.drain().await, 1);
        assert_eq!(world.drain_after(MINUTE / 2).await, 0, "not before its time");
        assert_eq!(world.drain_after(MINUTE / 2).await, 1);
        assert_eq!(world.drain_after(MINUTE * 5).await, 1);
        assert_eq!(secrets(&world).await, 1);
        assert_eq!(world.drain_after(MINUTE * 15).await, 1);
        assert_eq!(world.drain_after(DAY).await, 0);
        assert_eq!(world.sink.mails().len(), 1);
        assert_eq!(world.outcomes().await, ["deferred", "deferred", "deferred", "sent"]);
        assert_eq!(secrets(&world).await, 0, "erased at delivery");
        let delivery = &world.all().await[0];
        assert_eq!(delivery.state(), DeliveryState::Sent);
        assert!(delivery.sent_time.is_some() && delivery.next_attempt_time.is_none());
    }

    async fn a_refused_recipient_parks_the_mail_and_erases_its_secret(database) {
        let world = World::new(database).await;
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        world.sink.script([Behaviour::RefuseRecipient]);
        assert_eq!(world.drain().await, 1);
        assert_eq!(world.drain_after(DAY).await, 0);
        assert_eq!(world.outcomes().await, ["refused"]);
        assert_eq!(secrets(&world).await, 0);
        let delivery = world.get(&world.all().await[0].delivery_id).await;
        assert_eq!(delivery.state(), DeliveryState::Parked);
        assert!(delivery.attempts[0].detail.contains("RCPT TO"), "{}", delivery.attempts[0].detail);
        assert_eq!(world.notification.relay().drain().await, 2);
        let mut audited = world.doubles.know(|known| known.audited.clone());
        audited.sort();
        assert_eq!(audited, ["notification.delivery_parked", "notification.suppression_created"]);
    }

    async fn a_connection_lost_after_the_data_means_the_same_mail_again(database) {
        let world = World::new(database).await;
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        world.sink.script([Behaviour::LoseAndHangUp, Behaviour::StoreAndHangUp]);
        assert_eq!(world.drain().await, 1);
        assert!(world.sink.mails().is_empty());
        assert_eq!(world.drain_after(MINUTE).await, 1);
        assert_eq!(world.drain_after(MINUTE * 5).await, 1);
        let mails = world.sink.mails();
        assert_eq!(mails.len(), 2, "the server kept one and did not say so");
        let id = mails[0].header("Message-ID").expect("an id");
        assert_eq!(mails[1].header("Message-ID"), Some(id.clone()));
        assert_eq!(id, format!("<{}@example.org>", world.all().await[0].delivery_id));
        assert_eq!(world.outcomes().await, ["deferred", "deferred", "sent"]);
    }

    async fn while_the_server_is_down_nothing_is_lost_and_nothing_comes_twice(database) {
        let mut world = World::new(database).await;
        let organization = world.organization("Engines");
        world.sink.down().await;
        let events = (0..30).map(|n| world.invitation(organization, &format!("p{n}@example.org"))).collect();
        world.ingest(events).await;
        for pause in [0, 1, 5, 15, 30, 60, 60] {
            assert_eq!(world.drain_after(MINUTE * pause).await, 30);
        }
        world.sink.up().await;
        assert_eq!(world.drain_after(MINUTE * 60).await, 30);
        assert_eq!(world.drain_after(DAY).await, 0);
        let mut addresses: Vec<_> = world.sink.mails().into_iter().flat_map(|mail| mail.recipients).collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!((addresses.len(), world.sink.mails().len()), (30, 30));
        assert_eq!(secrets(&world).await, 0);
    }

    async fn a_process_that_dies_before_it_writes_down_sends_the_same_mail_again(database) {
        let world = World::new(database).await;
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        let dying = world.replica();
        tokio::select! {
            biased;
            _ = world.sink.wait_for(1, PATIENCE) => {}
            _ = dying.drain() => panic!("it was to die first"),
        }
        drop(dying);
        assert_eq!(world.drain().await, 0, "its claim still holds");
        assert_eq!(world.outcomes().await, [""]);
        assert_eq!(world.drain_after(MINUTE).await, 1);
        assert_eq!(world.outcomes().await, ["unknown", "sent"]);
        let mails = world.sink.mails();
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    }

    async fn many_processes_send_each_mail_once(database) {
        let world = World::new(database).await;
        let organization = world.organization("Engines");
        let events = (0..60).map(|n| world.invitation(organization, &format!("p{n}@example.org"))).collect();
        world.ingest(events).await;
        let replicas: Vec<_> = (0..4).map(|_| world.replica()).collect();
        let sent = futures::future::join_all(replicas.iter().map(rolecall_notification::Notification::drain)).await;
        assert_eq!(sent.into_iter().map(|sent| sent.expect("drained")).sum::<usize>(), 60);
        assert_eq!(world.sink.mails().len(), 60);
        assert!(world.all().await.iter().all(|delivery| delivery.attempt_count == 1));
    }

    async fn mandatory_mail_goes_before_everything_else_that_waits(database) {
        let world = World::with(database, |config, port| {
            config.smtp = Some(smtp(port));
            config.concurrency = 1;
        }).await;
        let (organization, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        for _ in 0..3 {
            send(&world, to(vec![user(ada)])).await.expect("accepted");
        }
        world.clock.advance(MINUTE / 2);
        world.ingest(vec![world.blocked(organization, grace, ada)]).await;
        world.ingest(vec![world.invitation(organization, "bob@example.org")]).await;
        assert_eq!(world.drain().await, 5);
        let subjects: Vec<_> = world.sink.mails().iter().map(rolecall_testkit::Mail::subject).collect();
        let is_message: Vec<_> = subjects.iter().map(|subject| subject == "Spec 7 was approved").collect();
        assert_eq!(is_message, [false, false, true, true, true], "{subjects:?}");
    }

    async fn the_next_mails_are_found_by_an_index_in_its_order(database) {
        let world = World::new(database).await;
        let text = "SELECT delivery_id FROM deliveries WHERE state = 0 AND urgency = 1 AND next_attempt <= 7 \
            ORDER BY next_attempt, delivery_id LIMIT 8";
        let plan = world.plan(text).await;
        assert!(plan.contains("deliveries_due_idx") && !plan.to_lowercase().contains("sort"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }

    async fn what_has_ended_is_not_sent_and_leaves_no_secret(database) {
        let world = World::new(database).await;
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        world.sink.behave(Behaviour::DeferRecipient);
        assert_eq!(world.drain().await, 1);
        world.sink.behave(Behaviour::Accept);
        assert_eq!(world.drain_after(DAY * 7).await, 0);
        assert_eq!(world.all().await[0].state(), DeliveryState::Expired);
        assert_eq!(secrets(&world).await, 0);
        assert!(world.sink.mails().is_empty());
    }

    async fn a_notice_that_is_never_taken_is_parked_after_days(database) {
        let world = World::new(database).await;
        let (organization, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        world.ingest(vec![world.blocked(organization, grace, ada)]).await;
        world.sink.behave(Behaviour::DeferRecipient);
        assert_eq!(world.drain().await, 1);
        assert_eq!(world.drain_after(DAY * 3).await, 1);
        assert_eq!(world.all().await[0].state(), DeliveryState::Parked);
        assert_eq!(world.outcomes().await, ["deferred", "deferred"]);
    }

    async fn wrong_credentials_let_the_channel_rest_and_cost_no_try(database) {
        let world = World::with(database, |config, port| {
            let (username, password) = (Some("rolecall".to_owned()), Some(SecretString::from("wrong")));
            config.smtp = Some(rolecall_notification::SmtpConfig { username, password, ..smtp(port) });
            config.concurrency = 1;
        }).await;
        let organization = world.organization("Engines");
        let events = (0..3).map(|n| world.invitation(organization, &format!("p{n}@example.org"))).collect();
        world.ingest(events).await;
        world.sink.script([Behaviour::RefuseAuthentication]);
        assert_eq!(world.drain().await, 1, "the others are not even tried");
        assert_eq!(world.drain_after(MINUTE).await, 3);
        assert_eq!(world.sink.mails().len(), 3);
    }

    async fn a_server_that_falls_silent_is_waited_for_and_no_longer(database) {
        let world = World::new(database).await;
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        world.sink.script([Behaviour::FallSilent]);
        assert_eq!(world.drain().await, 1);
        assert_eq!(world.outcomes().await, ["deferred"]);
        assert_eq!(world.drain_after(MINUTE).await, 1);
        assert_eq!(world.sink.mails().len(), 1);
    }

    async fn attack_t40_a_secret_of_another_installation_is_parked_and_shown_to_nobody(database) {
        let world = World::new(database).await;
        let mut event = world.invitation(world.organization("Engines"), "bob@example.org");
        event.event_id = world.event_id().to_string();
        world.ingest(vec![event]).await;
        assert_eq!(world.drain().await, 1);
        assert_eq!(world.outcomes().await, ["refused"]);
        assert!(world.sink.mails().is_empty());
    }

    /// ASVS: V1.3.11, T29
    async fn attack_t28_names_begin_no_header_no_line_and_no_link(database) {
        let world = World::new(database).await;
        let evil = "Eve\r\nBcc: all@victims.example\r\n\r\n<a href=https://evil.example>\u{202e}";
        let (organization, grace, ada) = (world.organization(evil), world.person("Grace"), world.person("Ada"));
        world.doubles.know(|known| {
            for contact in known.contacts.values_mut() {
                evil.clone_into(&mut contact.name);
            }
        });
        world.ingest(vec![world.blocked(organization, grace, ada)]).await;
        assert_eq!(world.drain().await, 1);
        let mail = &world.sink.mails()[0];
        assert_eq!((mail.recipients.len(), mail.header("Bcc")), (1, None));
        assert_eq!(mail.subject(), "Your account in Eve Bcc: all@victims. example <a was blocked");
        let html = mail.html().expect("a part");
        assert!(!mail.raw().contains("evil.example") && !html.contains("evil.example") && !html.contains("<a"), "{html}");
    }

    async fn asvs_v14_2_7_finished_deliveries_are_deleted_when_nobody_needs_them(database) {
        let world = World::new(database).await;
        let organization = world.organization("Engines");
        world.ingest(vec![world.invitation(organization, "bob@example.org")]).await;
        assert_eq!(world.drain().await, 1);
        world.clock.advance(DAY * 89);
        let (grace, ada) = (world.person("Grace"), world.person("Ada"));
        world.ingest(vec![world.blocked(organization, grace, ada)]).await;
        assert_eq!(world.notification.sweep().await.expect("swept"), 0);
        world.clock.advance(DAY * 2);
        assert_eq!(world.notification.sweep().await.expect("swept"), 1);
        assert_eq!(world.all().await.len(), 1, "what waits is kept, however old");
    }

    async fn the_workers_send_by_themselves_and_stop_when_told(database) {
        let world = World::new(database).await;
        let (shutdown, tasks) = (tokio_util::sync::CancellationToken::new(), tokio_util::task::TaskTracker::new());
        for worker in world.notification.workers(&shutdown) {
            tasks.spawn(worker.run);
        }
        world.ingest(vec![world.invitation(world.organization("Engines"), "bob@example.org")]).await;
        let mails = world.sink.wait_for(1, PATIENCE).await;
        assert!(mails[0].text().contains(CODE));
        shutdown.cancel();
        tasks.close();
        tokio::time::timeout(PATIENCE, tasks.wait()).await.expect("they stop");
        assert_eq!(world.outcomes().await, ["sent"], "what was under way was written down");
    }
}
