//! Events become deliveries: each once.

use std::time::Duration;

use rolecall_api::notification::v1::IngestOutcome::{Done, Park, Retry};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{Mail, on_each_database};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::world::World;

on_each_database! {
    async fn an_event_becomes_its_mail_once_however_often_it_comes(database) {
        let world = World::new(database).await;
        let (organization, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        let events = vec![world.blocked(organization, grace, ada), world.invitation(organization, "bob@example.org")];
        let twice = [events.clone(), events.clone()].concat();
        assert_eq!(world.ingest(twice).await, [Done, Done, Done, Done]);
        let (one, two) = tokio::join!(world.ingest(events.clone()), world.ingest(events));
        assert_eq!((one, two), (vec![Done, Done], vec![Done, Done]));
        assert_eq!(world.drain().await, 2);
        assert_eq!(world.drain().await, 0);
        let mut mails = world.sink.mails();
        mails.sort_by_key(|mail| mail.recipients.clone());
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0].recipients, ["ada@example.org"]);
        assert_eq!(mails[0].subject(), "Your account in Engines was blocked");
        assert!(mails[0].text().contains("Grace blocked your account in Engines"), "{}", mails[0].text());
        assert!(mails[0].text().contains("Reason: left the project"));
        assert_eq!(mails[1].recipients, ["bob@example.org"]);
        assert!(mails[1].text().contains(crate::world::CODE) && mails[1].html().is_some_and(|html| html.contains(crate::world::CODE)));
    }

    async fn without_identity_a_notice_is_asked_for_again_and_an_invitation_is_not(database) {
        let world = World::new(database).await;
        let (organization, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        let events = vec![world.blocked(organization, grace, ada), world.invitation(organization, "bob@example.org")];
        world.doubles.know(|known| known.is_down = true);
        assert_eq!(world.ingest(events.clone()).await, [Retry, Done]);
        assert_eq!(world.all().await.len(), 1);
        world.doubles.know(|known| known.is_down = false);
        assert_eq!(world.ingest(events).await, [Done, Done]);
        assert_eq!(world.drain().await, 2);
    }

    async fn every_mail_names_the_installation_as_it_was_called_when_the_mail_was_ordered(database) {
        let world = World::new(database).await;
        let (organization, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        let both = || vec![world.blocked(organization, grace, ada), world.invitation(organization, "bob@example.org")];
        let url = "https://rolecall.example.org";
        let sent = || world.sink.mails().iter().map(Mail::text).collect::<Vec<_>>();
        world.doubles.know(|known| known.is_down = true);
        assert_eq!(world.ingest(vec![world.invitation(organization, "bob@example.org")]).await, [Done]);
        assert_eq!(world.drain().await, 1);
        assert!(sent()[0].trim_end().ends_with(&format!("Sent by {url}")), "{}", sent()[0]);
        world.doubles.know(|known| {
            known.is_down = false;
            "Difference & Sons".clone_into(&mut known.instance);
        });
        world.clock.advance(Duration::from_secs(2));
        assert_eq!(world.ingest(both()).await, [Done, Done]);
        world.doubles.know(|known| "Renamed".clone_into(&mut known.instance));
        assert_eq!(world.drain().await, 2);
        for text in &sent()[1..] {
            assert!(text.trim_end().ends_with(&format!("Sent by Difference & Sons, {url}")), "{text}");
        }
        world.clock.advance(Duration::from_secs(30));
        assert_eq!(world.ingest(both()).await, [Done, Done]);
        assert_eq!(world.drain().await, 2);
        world.doubles.know(|known| known.is_down = true);
        world.clock.advance(Duration::from_mins(10));
        assert_eq!(world.ingest(vec![world.invitation(organization, "bob@example.org")]).await, [Done]);
        assert_eq!(world.drain().await, 1);
        for text in &sent()[3..] {
            assert!(text.trim_end().ends_with(&format!("Sent by Renamed, {url}")), "{text}");
        }
        assert_eq!(sent().len(), 6);
    }

    async fn what_is_not_ours_is_done_and_what_is_malformed_is_parked(database) {
        let world = World::new(database).await;
        let event = |topic, payload: &[u8]| world.event(world.event_id(), topic, payload.to_vec());
        let events = vec![
            event("identity.login_succeeded", b"\xff\xff"),
            event("notification.mail_requested", b"\xff\xff"),
            event("organization.member_blocked", b""),
            event("notification.fax_requested", b""),
        ];
        assert_eq!(world.ingest(events).await, [Done, Park, Park, Park]);
        assert!(world.all().await.is_empty());
    }

    async fn each_other_owner_is_told_of_a_new_one_in_a_mail_of_its_own(database) {
        let world = World::new(database).await;
        let (organization, grace) = (world.organization("Engines"), world.person("Grace"));
        let (ada, bob, charles) = (world.person("Ada"), world.person("Bob"), world.person("Charles"));
        let event = world.owner_added(organization, grace, charles, &[ada, bob]);
        assert_eq!(world.ingest(vec![event.clone(), event]).await, [Done, Done]);
        assert_eq!(world.drain().await, 2);
        let mut mails = world.sink.mails();
        mails.sort_by_key(|mail| mail.recipients.clone());
        let recipients: Vec<_> = mails.iter().flat_map(|mail| mail.recipients.clone()).collect();
        assert_eq!(recipients, ["ada@example.org", "bob@example.org"]);
        for mail in mails {
            assert_eq!(mail.subject(), "Charles was made an owner of Engines");
            assert!(mail.text().contains("Grace made Charles an owner of Engines"), "{}", mail.text());
        }
    }

    async fn attack_t33_a_changed_address_is_told_at_both_addresses_whatever_the_contact_says_by_now(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let event = world.email_changed(ada, "old@example.org", "new@example.org");
        assert_eq!(world.ingest(vec![event.clone(), event]).await, [Done, Done]);
        assert_eq!(world.drain().await, 2);
        let mut mails = world.sink.mails();
        mails.sort_by_key(|mail| mail.recipients.clone());
        let recipients: Vec<_> = mails.iter().flat_map(|mail| mail.recipients.clone()).collect();
        assert_eq!(recipients, ["new@example.org", "old@example.org"]);
        for mail in mails {
            assert_eq!(mail.subject(), "The e-mail address of your account was changed");
            assert!(mail.text().contains("Hello Ada,"), "{}", mail.text());
        }
    }

    async fn nobody_is_told_where_there_is_nobody(database) {
        let world = World::new(database).await;
        let (organization, grace) = (world.organization("Engines"), world.person("Grace"));
        let program = SubjectId::new(world.clock.now(), &world.entropy);
        assert_eq!(world.ingest(vec![world.blocked(organization, grace, program)]).await, [Done]);
        assert!(world.all().await.is_empty());
    }

    async fn without_a_database_events_are_asked_for_again(database) {
        let world = World::new(database).await;
        let event = world.invitation(world.organization("Engines"), "bob@example.org");
        world.db.clone().close().await;
        assert_eq!(world.ingest(vec![event]).await, [Retry]);
    }
}

#[tokio::test]
async fn a_full_batch_becomes_one_mail_for_each_person() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let organization = world.organization("Engines");
    let events: Vec<_> = (0..100).map(|n| world.invitation(organization, &format!("p{n}@example.org"))).collect();
    assert!(world.ingest(events).await.iter().all(|outcome| *outcome == Done));
    assert_eq!(world.drain().await, 100);
    let mut addresses: Vec<_> = world.sink.mails().into_iter().flat_map(|mail| mail.recipients).collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!((addresses.len(), world.sink.mails().len()), (100, 100), "one recipient a mail");
}

#[tokio::test]
async fn more_owners_than_one_statement_or_one_question_holds_are_all_told() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let (organization, grace) = (world.organization("Engines"), world.person("Grace"));
    let owners: Vec<_> = (0..2_100).map(|n| world.person(&format!("p{n}"))).collect();
    assert_eq!(world.ingest(vec![world.owner_added(organization, grace, grace, &owners)]).await, [Done]);
    let request = "SELECT count(*) FROM deliveries";
    let reader = world.db.reader();
    let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), request)).await;
    let count: i64 = row.expect("it counts").expect("a row").try_get_by_index(0).expect("a number");
    assert_eq!(count, 2_100);
}
