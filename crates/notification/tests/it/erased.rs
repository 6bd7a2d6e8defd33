//! What is known of a person ends with its account.

use prost::Message as _;
use rolecall_api::identity::v1 as id;
use rolecall_api::notification::v1::IngestOutcome::Done;
use rolecall_api::notification::v1::{DeliveryState, IngestedEvent, Preferences, SendNotificationRequest};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{Behaviour, on_each_database};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::notifications::{reason, send, to, user};
use crate::preferences::{change, get};
use crate::world::{DAY, World, wire};

fn deleted(world: &World, target: SubjectId, erased: bool) -> IngestedEvent {
    let message = id::DomainEvent {
        target_id: target.to_string(),
        occurred_time: Some(wire(world.clock.now())),
        event: Some(id::domain_event::Event::UserDeleted(id::UserDeleted { erased })),
        ..Default::default()
    };
    world.event(world.event_id(), "identity.user_deleted", message.encode_to_vec())
}

pub(crate) fn erased(world: &World, target: SubjectId) -> IngestedEvent {
    let message = id::DomainEvent {
        target_id: target.to_string(),
        occurred_time: Some(wire(world.clock.now())),
        event: Some(id::domain_event::Event::UserErased(id::UserErased {})),
        ..Default::default()
    };
    world.event(world.event_id(), "identity.user_erased", message.encode_to_vec())
}

/// Everything that the tables of this context say of deliveries and notifications.
async fn kept(world: &World) -> String {
    let reader = world.db.reader();
    let mut said = String::new();
    for (table, columns) in [
        ("deliveries", "email || ' ' || variables"),
        ("delivery_attempts", "detail"),
        ("notifications", "title"),
        ("inbox_messages", "title || ' ' || body"),
    ] {
        let text = format!("SELECT {columns} AS said FROM {table}");
        let statement = Statement::from_string(reader.get_database_backend(), text);
        for row in reader.query_all_raw(statement).await.expect("read") {
            said.push_str(&row.try_get::<String>("", "said").expect("text"));
            said.push('\n');
        }
    }
    said
}

on_each_database! {
    async fn a_deleted_account_prefers_nothing_and_is_told_nothing_more(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        let request = change(&["enabled"], Preferences { enabled: true, ..Default::default() });
        world.preferences(world.as_person(ada)).update_preferences(request).await.expect("changed");
        let schedule_time = Some(wire(world.clock.now().plus(DAY)));
        let request = SendNotificationRequest { schedule_time, ..to(vec![user(ada), user(bob)]) };
        send(&world, request).await.expect("accepted");
        let event = deleted(&world, ada, false);
        assert_eq!(world.ingest(vec![event.clone(), event]).await, [Done, Done]);
        assert_eq!(get(&world, ada).await.etag, "v0");
        assert_eq!(world.drain_after(DAY).await, 1, "Bob's alone");
        let of_ada = world.all().await.into_iter().find(|one| one.recipient_id == ada.to_string()).expect("kept");
        assert_eq!((of_ada.state(), of_ada.suppression.as_str()), (DeliveryState::Suppressed, "deleted"));
        assert!(kept(&world).await.contains("ada@example.org"), "kept until it is erased");
    }

    async fn parked_mail_ends_with_the_account_but_for_what_is_mandatory(database) {
        let world = World::new(database).await;
        let (engines, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        world.sink.script([Behaviour::RefuseRecipient, Behaviour::RefuseRecipient]);
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.ingest(vec![world.blocked(engines, grace, ada)]).await;
        assert_eq!(world.drain().await, 2);
        world.ingest(vec![deleted(&world, ada, false)]).await;
        let states = async || {
            let mut all: Vec<_> = world.all().await.into_iter().map(|one| (one.template.clone(), one.state())).collect();
            all.sort_by(|one, other| one.0.cmp(&other.0));
            all.into_iter().map(|(_, state)| state).collect::<Vec<_>>()
        };
        assert_eq!(states().await, [DeliveryState::Parked, DeliveryState::Suppressed]);
        world.ingest(vec![erased(&world, ada)]).await;
        assert_eq!(states().await, [DeliveryState::Suppressed, DeliveryState::Suppressed]);
    }

    async fn nothing_that_comes_later_brings_an_erased_person_back(database) {
        let world = World::new(database).await;
        let (engines, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        // Told twice, in either order: what is erased stays so.
        assert_eq!(world.ingest(vec![erased(&world, ada), deleted(&world, ada, false)]).await, [Done, Done]);
        // Another service answers from what it knew a moment ago.
        let late = vec![world.blocked(engines, grace, ada), world.email_changed(ada, "ada@old.example", "ada@example.org")];
        assert_eq!(world.ingest(late).await, [Done, Done]);
        let status = send(&world, to(vec![user(ada)])).await.expect_err("gone");
        assert_eq!(reason(&status), "RECIPIENT_NOT_FOUND");
        assert_eq!((world.drain().await, kept(&world).await.as_str()), (0, ""));
    }

    async fn an_attempt_that_is_under_way_does_not_bring_an_erased_person_back(database) {
        let world = World::new(database).await;
        let (engines, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        world.ingest(vec![world.blocked(engines, grace, ada)]).await;
        world.sink.script([Behaviour::FallSilent]);
        let (attempted, ()) = tokio::join!(world.drain(), async {
            while world.all().await[0].attempt_count == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(world.ingest(vec![erased(&world, ada)]).await, [Done]);
        });
        assert_eq!(attempted, 1);
        let delivery = world.get(&world.all().await[0].delivery_id).await;
        assert_eq!((delivery.attempts.len(), delivery.attempts[0].detail.as_str()), (1, ""));
        assert_eq!(delivery.suppression, "deleted");
    }

    async fn an_erasure_leaves_nothing_that_names_the_person(database) {
        let world = World::new(database).await;
        let (engines, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        world.ingest(vec![
            world.blocked(engines, grace, ada),
            world.email_changed(ada, "ada@old.example", "ada@example.org"),
        ]).await;
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        assert_eq!(world.drain().await, 4);
        world.ingest(vec![world.blocked(engines, grace, ada)]).await;
        assert_eq!(world.ingest(vec![erased(&world, ada)]).await, [Done]);
        let kept = kept(&world).await;
        for word in ["@", "Ada", "Grace", "left the project", "Spec 7"] {
            assert!(!kept.contains(word), "{word} in {kept}");
        }
        assert_eq!(world.drain().await, 0, "what waited is not sent");
        assert_eq!(world.all().await.len(), 5, "that they were sent is still known");
    }
}
