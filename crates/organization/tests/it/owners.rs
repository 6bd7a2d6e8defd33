//! No owner is made from outside without the others knowing.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::domain_event::Event;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;

use crate::stage::Stage;

/// An owner that was added: by whom, who, and who is told.
type Added = (String, String, Vec<String>);

/// Delivers all events, and returns what the other owners are told of.
async fn told(stage: &Stage) -> Vec<Added> {
    stage.drain().await;
    let events = stage.identity.mails().into_iter().filter(|event| event.topic == "organization.owner_added");
    let read = events.map(|event| {
        let message = pb::DomainEvent::decode(event.payload.as_slice()).expect("a domain event");
        let Some(Event::OwnerAdded(added)) = message.event else { panic!("fits its topic") };
        (message.actor_id, message.target_id, added.owner_ids)
    });
    read.collect()
}

fn added(by: UserId, who: UserId, others: &[UserId]) -> Added {
    let mut others = others.to_vec();
    others.sort_by_key(|user| user.as_uuid());
    (by.to_string(), who.to_string(), others.iter().map(ToString::to_string).collect())
}

on_each_database! {
    async fn the_other_owners_are_told_when_an_administrator_makes_one(database) {
        let stage = Stage::open(&database).await;
        let (acme, first) = stage.found("Acme").await;
        let second = stage.add_active(first, acme, &["OWNER"]).await;
        stage.block(first, second).await.expect("blocks");
        stage.add_pending(first, acme, &["OWNER"]).await;
        let guest = stage.add_active(first, acme, &["GUEST"]).await;
        assert_eq!(told(&stage).await, [], "nobody came from outside");
        stage.set_roles(stage.admin, guest, &["OWNER", "GUEST"]).await.expect("promotes");
        let expected = [added(stage.admin, guest, &[first, second])];
        assert_eq!(told(&stage).await, expected);
        stage.set_roles(stage.admin, guest, &["OWNER"]).await.expect("changes another role");
        stage.block(stage.admin, guest).await.expect("blocks");
        assert_eq!(told(&stage).await, expected, "it was one already");
        let request = pb::ListAuditEventsRequest { topic: "organization.owner_added".to_owned(), ..Default::default() };
        let audited = stage.audit(first).list_audit_events(request).await.expect("lists").into_inner().audit_events;
        assert_eq!(audited.len(), 1);
    }

    async fn the_other_owners_are_told_when_somebody_accepts_that_an_administrator_invited_as_one(database) {
        let stage = Stage::open(&database).await;
        let (acme, first) = stage.found("Acme").await;
        let second = stage.add_active(first, acme, &["OWNER"]).await;
        let invited = stage.add_pending(stage.admin, acme, &["OWNER"]).await;
        assert_eq!(told(&stage).await, [], "the roles are pending");
        for _ in 0..2 {
            stage.activate(invited, stage.admin).await.expect("accepts");
        }
        let unconfirmed = stage.add_hidden(stage.admin, acme, &["OWNER"]).await;
        stage.activate(unconfirmed, stage.admin).await.expect("accepts");
        stage.add_active(stage.admin, acme, &["GUEST"]).await;
        let one = added(stage.admin, invited, &[first, second]);
        let two = added(stage.admin, unconfirmed, &[first, second, invited]);
        assert_eq!(told(&stage).await, [one, two]);
    }

    async fn an_owner_that_makes_owners_in_its_own_organization_is_no_outsider(database) {
        let stage = Stage::open(&database).await;
        // The first administrator owns the home organization.
        let guest = stage.add_active(stage.admin, stage.home, &["GUEST"]).await;
        stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        stage.set_roles(stage.admin, guest, &["OWNER"]).await.expect("promotes");
        assert_eq!(told(&stage).await, []);
        stage.set_roles(guest, stage.admin, &["GUEST"]).await.expect("is no owner any more");
        let late = stage.add_active(stage.admin, stage.home, &["OWNER"]).await;
        let told = told(&stage).await;
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0].0, &told[0].1), (&stage.admin.to_string(), &late.to_string()));
    }
}
