//! No owner is made from outside, and no account of one opened, without the others knowing.

use prost::Message as _;
use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::domain_event::Event;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;

use crate::stage::{Stage, names};

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

/// An account of an owner that somebody else can open from now on: by whom, whose, how, and who is told.
type Opened = (String, String, String, Vec<String>);

/// Delivers all events, and returns what the other owners are told of.
async fn told_of_credentials(stage: &Stage) -> Vec<Opened> {
    stage.drain().await;
    let mails = stage.identity.mails().into_iter();
    let events = mails.filter(|event| event.topic == "organization.owner_credentials_changed");
    let read = events.map(|event| {
        let message = pb::DomainEvent::decode(event.payload.as_slice()).expect("a domain event");
        let Some(Event::OwnerCredentialsChanged(opened)) = message.event else { panic!("fits its topic") };
        (message.actor_id, message.target_id, opened.change, opened.owner_ids)
    });
    read.collect()
}

/// Takes an event of identity, as its relay hands it over.
async fn take(stage: &Stage, by: UserId, whose: UserId, topic: &str, event: identity::domain_event::Event) {
    let payload = identity::DomainEvent {
        actor_id: by.to_string(),
        target_id: whose.to_string(),
        event: Some(event),
        ..Default::default()
    };
    let event = pb::IngestedEvent {
        event_id: stage.random_id(),
        topic: topic.to_owned(),
        payload: payload.encode_to_vec(),
        occurred_time: Some(prost_types::Timestamp { seconds: stage.now().as_seconds(), nanos: 0 }),
        traceparent: String::new(),
        source_number: String::new(),
    };
    // Delivered twice, it is told once.
    for _ in 0..2 {
        let request = pb::IngestEventsRequest { events: vec![event.clone()] };
        let results = stage.memberships().ingest_events(request).await.expect("takes").into_inner().results;
        assert_eq!(results[0].outcome(), pb::IngestOutcome::Done, "{results:?}");
    }
}

/// The events of identity after which somebody else can open an account, with what mails call them.
fn openings() -> [(&'static str, identity::domain_event::Event, &'static str); 4] {
    use identity::domain_event::Event as E;
    let address =
        identity::EmailChanged { old_email: "old@example.org".to_owned(), new_email: "new@example.org".to_owned() };
    let code = identity::PasswordResetRequested { returned: true };
    [
        ("identity.password_set", E::PasswordSet(identity::PasswordSet {}), "password"),
        ("identity.factors_reset", E::FactorsReset(identity::FactorsReset {}), "second factors"),
        ("identity.email_changed", E::EmailChanged(address), "e-mail address"),
        ("identity.password_reset_requested", E::PasswordResetRequested(code), "code for a new password"),
    ]
}

/// Powers that were given: to whom, by which role, which, and who is told.
type Given = (String, String, Vec<String>, Vec<String>);

/// Delivers all events, and returns what owners are told of powers, in order.
async fn powers_given(stage: &Stage) -> Vec<Given> {
    stage.drain().await;
    let mails = stage.identity.mails().into_iter().filter(|mail| mail.topic == "organization.powers_given");
    let events = mails.map(|mail| pb::DomainEvent::decode(mail.payload.as_slice()).expect("an event"));
    let read = |event: pb::DomainEvent| match event.event {
        Some(Event::PowersGiven(given)) => Some((event.target_id, given.role, given.permissions, given.owner_ids)),
        _ => None,
    };
    let mut all: Vec<Given> = events.filter_map(read).collect();
    all.sort();
    all
}

on_each_database! {
    async fn the_other_owners_are_told_when_an_administrator_opens_the_account_of_one(database) {
        let stage = Stage::open(&database).await;
        let (acme, first) = stage.found("Acme").await;
        let second = stage.add_active(first, acme, &["OWNER"]).await;
        let third = stage.add_active(first, acme, &["OWNER", "GUEST"]).await;
        let steward = stage.add_active(first, acme, &["DATA_STEWARD"]).await;
        let mut expected = Vec::new();
        let mut others = [first, third];
        others.sort_by_key(|user| user.as_uuid());
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        for (topic, event, change) in openings() {
            take(&stage, stage.admin, second, topic, event.clone()).await;
            expected.push((stage.admin.to_string(), second.to_string(), change.to_owned(), others.clone()));
            // Nobody is told what a person does to itself, or what befalls who owns nothing.
            take(&stage, second, second, topic, event.clone()).await;
            take(&stage, first, steward, topic, event).await;
        }
        let mailed = identity::domain_event::Event::PasswordResetRequested(identity::PasswordResetRequested { returned: false });
        take(&stage, stage.admin, second, "identity.password_reset_requested", mailed).await;
        assert_eq!(told_of_credentials(&stage).await, expected);
        let request = pb::ListAuditEventsRequest {
            topic: "organization.owner_credentials_changed".to_owned(),
            ..Default::default()
        };
        let audited = stage.audit(first).list_audit_events(request).await.expect("lists").into_inner().audit_events;
        assert_eq!(audited.len(), 4);
    }

    async fn nobody_is_told_of_the_only_owner(database) {
        let stage = Stage::open(&database).await;
        let (_, only) = stage.found("Acme").await;
        for (topic, event, _) in openings() {
            take(&stage, stage.admin, only, topic, event).await;
        }
        assert_eq!(told_of_credentials(&stage).await, []);
    }

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

    /// ASVS: V8.2.1
    async fn attack_t22_the_owners_are_told_when_an_administrator_gives_what_they_alone_hold(database) {
        let stage = Stage::open(&database).await;
        let (acme, first) = stage.found("Acme").await;
        let second = stage.add_active(first, acme, &["OWNER"]).await;
        stage.block(first, second).await.expect("blocks");
        let powers = ["organization.datasets.get", "organization.members.get", "organization.models.get"];
        let compose = async |actor, name: &str, permissions: &[&str]| {
            let (organization_id, name) = (acme.to_string(), name.to_owned());
            let role = pb::Role { organization_id, name, permissions: names(permissions), ..Default::default() };
            let request = pb::CreateRoleRequest { role: Some(role), ..Default::default() };
            stage.roles(actor).create_role(request).await.map(drop)
        };
        compose(first, "OWN", &powers).await.expect("composes");
        compose(stage.admin, "PLAIN", &powers[2..]).await.expect("composes");
        assert_eq!(powers_given(&stage).await, [], "by an owner, or nothing that owners alone hold");
        compose(stage.admin, "FOREIGN", &powers).await.expect("composes");
        let guest = stage.add_active(first, acme, &["GUEST"]).await;
        stage.set_roles(stage.admin, guest, &["OWN", "PLAIN"]).await.expect("gives");
        stage.set_roles(stage.admin, guest, &["OWN"]).await.expect("takes one");
        let invited = stage.add_active(stage.admin, acme, &["OWN"]).await;
        let role = pb::Role {
            organization_id: acme.to_string(),
            name: "PLAIN".to_owned(),
            permissions: names(&["organization.datasets.update"]),
            ..Default::default()
        };
        let request = pb::UpdateRoleRequest { role: Some(role), ..Default::default() };
        stage.roles(stage.admin).update_role(request).await.expect("changes");
        let both = [first.to_string(), second.to_string()];
        let held = names(&["organization.datasets.get", "organization.members.get"]);
        let given = |target: String, role: &str, permissions: &[String]| {
            (target, role.to_owned(), permissions.to_vec(), both.to_vec())
        };
        let mut expected = [
            given(String::new(), "FOREIGN", &held),
            given(guest.to_string(), "OWN", &held),
            given(invited.to_string(), "OWN", &held),
            given(String::new(), "PLAIN", &names(&["organization.datasets.update"])),
        ];
        expected.sort();
        assert_eq!(powers_given(&stage).await, expected);
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
