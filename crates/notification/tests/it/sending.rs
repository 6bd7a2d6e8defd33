//! Sending with a template: who may to whom, what it says in which language, and until when.

use std::collections::HashMap;

use rolecall_api::notification::v1::{
    Category, Delivery, DeliveryState, ListMessagesRequest, Preferences, Recipient, SendNotificationRequest, Template,
};
use rolecall_authz::Caller;
use rolecall_kernel::id::{OrganizationId, RequestId, SubjectId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{Behaviour, on_each_database};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::notifications::{address, get, join, reason, role, send_as, to, user};
use crate::preferences::change;
use crate::templates::{create, delete, template, update};
use crate::world::{DAY, MINUTE, World, smtp, wire};

fn with(name: &str, data: &[(&str, &str)], recipients: Vec<Recipient>) -> SendNotificationRequest {
    SendNotificationRequest {
        recipients,
        category: Category::Workflow.into(),
        template: name.to_owned(),
        data: data.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Default::default()
    }
}

/// An organization with a template and a member.
async fn engines(world: &World) -> (OrganizationId, Caller, SubjectId) {
    let engines = world.organization("Engines");
    let (owner, ada) = (world.owner(engines), world.person("Ada"));
    join(world, ada, engines, "DATA_SCIENTIST");
    create(world, owner.clone(), template("approved")).await.expect("made");
    (engines, owner, ada)
}

async fn prefer_german(world: &World, person: SubjectId) {
    let german = Preferences { locale: "de-AT".to_owned(), enabled: true, ..Default::default() };
    world.preferences(world.as_person(person)).update_preferences(change(&["locale"], german)).await.expect("set");
}

fn violated(status: &Status) -> Vec<String> {
    let found = status.get_details_bad_request().expect("BadRequest").field_violations;
    found.into_iter().map(|one| format!("{} {}", one.field, one.reason)).collect()
}

async fn of(world: &World, person: SubjectId) -> Delivery {
    let all = world.all().await;
    all.into_iter().find(|one| one.recipient_id == person.to_string()).expect("a delivery")
}

on_each_database! {
    async fn members_read_a_template_of_their_organization_in_their_languages(database) {
        let world = World::new(database).await;
        let (engines, owner, ada) = engines(&world).await;
        let bob = world.person("Bob");
        join(&world, bob, engines, "OWNER");
        prefer_german(&world, bob).await;
        let sent = send_as(&world, owner, with("approved", &[("spec", "Spec <7>")], vec![user(ada), role("OWNER")])).await;
        let sent = sent.expect("accepted");
        assert_eq!((sent.template.as_str(), sent.template_version, sent.recipient_count), ("approved", 1, 2));
        assert_eq!(sent.title, "Spec <7> was approved");
        assert_eq!(world.drain().await, 2);
        let mut mails = world.sink.mails();
        mails.sort_by_key(|mail| mail.recipients.clone());
        assert_eq!([mails[0].subject(), mails[1].subject()], ["Spec <7> was approved", "Spec <7> ist genehmigt"]);
        assert!(mails[0].text().contains("Hello Ada,") && mails[0].text().contains("Spec <7> was approved."));
        let html = mails[0].html().expect("HTML");
        assert!(html.contains("<strong>Spec &lt;7&gt;</strong>"), "{html}");
        let listed = world.inbox(world.as_person(bob)).list_messages(ListMessagesRequest::default()).await;
        let messages = listed.expect("listed").into_inner().messages;
        assert_eq!((messages[0].title.as_str(), messages[0].text.as_str()), ("Spec <7> ist genehmigt", "Spec <7> was approved."));
    }

    async fn what_was_accepted_is_sent_as_the_template_was_then_whatever_became_of_it(database) {
        let world = World::new(database).await;
        let (_, owner, ada) = engines(&world).await;
        world.sink.script([Behaviour::DeferRecipient, Behaviour::DeferRecipient]);
        let sent = send_as(&world, owner.clone(), with("approved", &[("spec", "7")], vec![user(ada)])).await;
        sent.expect("accepted");
        assert_eq!(world.drain().await, 1);
        let mut other = template("approved");
        other.texts.truncate(1);
        "Changed {{ spec }}".clone_into(&mut other.texts[0].subject);
        let id = of_name(&world, owner.clone(), "approved").await;
        update(&world, owner.clone(), Template { template_id: id.clone(), ..other }, &["texts"]).await.expect("published");
        assert_eq!(world.drain_after(MINUTE).await, 1);
        delete(&world, owner.clone(), &id).await.expect("deleted");
        world.clock.advance(DAY * 2);
        world.notification.sweep().await.expect("swept");
        assert_eq!(world.drain().await, 1);
        assert_eq!(world.sink.mails()[0].subject(), "7 was approved");
        let again = with("approved", &[("spec", "7")], vec![user(ada)]);
        assert_eq!(reason(&send_as(&world, owner.clone(), again).await.expect_err("gone")), "TEMPLATE_NOT_FOUND");
        assert_eq!(world.count("template_versions").await, 2);
        world.clock.advance(DAY * 91);
        world.notification.sweep().await.expect("swept");
        world.notification.sweep().await.expect("swept");
        assert_eq!(world.count("template_versions").await, 0, "nothing is left that was sent with it");
        create(&world, owner, template("approved")).await.expect("its name is free");
    }

    async fn a_parked_mail_is_taken_up_after_the_retention_and_says_the_same(database) {
        let world = World::with(database, |config, port| {
            config.smtp = Some(smtp(port));
            config.retention = DAY * 10;
        }).await;
        let (_, owner, ada) = engines(&world).await;
        world.sink.script([Behaviour::RefuseRecipient]);
        send_as(&world, owner, with("approved", &[("spec", "7")], vec![user(ada)])).await.expect("accepted");
        assert_eq!(world.drain().await, 1);
        world.clock.advance(DAY * 9);
        let delivery_ids = vec![of(&world, ada).await.delivery_id];
        let request = rolecall_api::notification::v1::RetryDeliveriesRequest { delivery_ids, ..Default::default() };
        world.client(world.admin()).retry_deliveries(request).await.expect("taken up");
        crate::suppressions::delete(&world, world.admin(), "ada@example.org").await.expect("it gets mail again");
        world.clock.advance(DAY * 2);
        world.notification.sweep().await.expect("swept");
        assert_eq!(world.drain().await, 1);
        assert_eq!(world.sink.mails()[0].subject(), "7 was approved");
    }

    /// ASVS: V8.2.2
    async fn attack_t33_an_organization_sends_to_nobody_but_its_members(database) {
        let world = World::new(database).await;
        let (engines, owner, ada) = engines(&world).await;
        let (looms, eve) = (world.organization("Looms"), world.person("Eve"));
        join(&world, eve, looms, "OWNER");
        create(&world, world.owner(looms), template("theirs")).await.expect("made");
        let nobody = SubjectId::new(world.clock.now(), &world.entropy);
        let mut refusals = Vec::new();
        for wrong in [eve, nobody] {
            let request = with("approved", &[("spec", "7")], vec![user(ada), user(wrong)]);
            let status = send_as(&world, owner.clone(), request).await.expect_err("no member");
            assert_eq!(reason(&status), "RECIPIENT_NOT_FOUND");
            refusals.push((status.code(), status.message().to_owned()));
        }
        assert_eq!(refusals[0], refusals[1]);
        let mut names = Vec::new();
        for name in ["theirs", "never_was"] {
            let status = send_as(&world, owner.clone(), with(name, &[("spec", "7")], vec![user(ada)])).await;
            let status = status.expect_err("foreign");
            names.push((status.code(), reason(&status), status.message().to_owned()));
        }
        assert_eq!((names[0].1.as_str(), &names[0]), ("TEMPLATE_NOT_FOUND", &names[1]));
        let request = with("theirs", &[("spec", "7")], vec![user(eve)]);
        let into = SendNotificationRequest { organization_id: looms.to_string(), ..request };
        let status = send_as(&world, owner.clone(), into).await.expect_err("foreign");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
        for free in [with("approved", &[("spec", "7")], vec![address("x@example.com")]), to(vec![user(ada)])] {
            let status = send_as(&world, owner.clone(), free).await.expect_err("free");
            assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "INSTANCE_SENDER_REQUIRED"));
        }
        // Whoever is trusted with the whole installation sends with a template of any organization to anybody.
        let anywhere = with("approved", &[("spec", "7")], vec![user(eve), address("x@example.com")]);
        let anywhere = SendNotificationRequest { organization_id: engines.to_string(), ..anywhere };
        assert_eq!(send_as(&world, world.admin(), anywhere).await.expect("accepted").recipient_count, 2);
    }

    async fn attack_t33_who_left_the_organization_meanwhile_is_not_told(database) {
        let world = World::new(database).await;
        let (_, owner, ada) = engines(&world).await;
        let schedule_time = Some(wire(world.clock.now().plus(DAY)));
        let request = SendNotificationRequest { schedule_time, ..with("approved", &[("spec", "7")], vec![user(ada)]) };
        send_as(&world, owner, request).await.expect("accepted");
        world.doubles.know(|known| known.members.clear());
        assert_eq!(world.drain_after(DAY).await, 1);
        assert!(world.sink.mails().is_empty());
        let kept = of(&world, ada).await;
        assert_eq!((kept.state(), kept.suppression.as_str()), (DeliveryState::Suppressed, "left"));
    }

    async fn all_that_is_wrong_with_the_data_is_told_at_once_and_nobody_is_told(database) {
        let world = World::new(database).await;
        let (_, owner, ada) = engines(&world).await;
        let long = "x".repeat(1_001);
        let wrong = with("approved", &[("note", &long), ("other", "x")], vec![user(ada)]);
        let status = send_as(&world, owner.clone(), wrong).await.expect_err("wrong data");
        assert_eq!(reason(&status), "REQUEST_INVALID");
        assert_eq!(violated(&status), ["data[note] TOO_LONG", "data[other] UNDECLARED", "data[spec] REQUIRED"]);
        let both = SendNotificationRequest { template: "approved".to_owned(), template_version: -1, ..to(vec![user(ada)]) };
        let status = send_as(&world, owner.clone(), both).await.expect_err("both");
        assert_eq!(violated(&status), ["template_version VERSION_INVALID", "inline_text REQUIRED"]);
        let version = SendNotificationRequest { template_version: 2, ..with("approved", &[("spec", "7")], vec![user(ada)]) };
        assert_eq!(reason(&send_as(&world, owner.clone(), version).await.expect_err("no such")), "TEMPLATE_NOT_FOUND");
        let status = send_as(&world, world.admin(), with("approved", &[], vec![user(ada)])).await.expect_err("whose");
        assert_eq!(violated(&status), ["organization_id REQUIRED"]);
        let mut link = template("link");
        "<a href=\"{{ spec }}\">x</a>".clone_into(&mut link.texts[1].html);
        create(&world, owner.clone(), link).await.expect("made");
        let status = send_as(&world, owner, with("link", &[("spec", "7")], vec![user(ada)])).await.expect_err("no link");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "TEMPLATE_UNUSABLE"));
        assert_eq!((world.drain().await, world.count("notifications").await), (0, 0));
    }

    async fn a_repeat_is_known_whatever_the_order_of_its_data(database) {
        let world = World::new(database).await;
        let (_, owner, ada) = engines(&world).await;
        let request_id = RequestId::new(world.clock.now(), &world.entropy).to_string();
        let data = [("spec", "7"), ("note", "See you")];
        let mut answers = Vec::new();
        for _ in 0..10 {
            // Each map of its own has an order of its own.
            let request = SendNotificationRequest { request_id: request_id.clone(), ..with("approved", &data, vec![user(ada)]) };
            answers.push(send_as(&world, owner.clone(), request).await.expect("the same"));
        }
        assert!(answers.iter().all(|one| *one == answers[0]));
        let other = HashMap::from([("spec".to_owned(), "7".to_owned()), ("note".to_owned(), "See yo".to_owned())]);
        let request = SendNotificationRequest { request_id, data: other, ..with("approved", &[], vec![user(ada)]) };
        assert_eq!(reason(&send_as(&world, owner, request).await.expect_err("other")), "REQUEST_ID_REUSED");
        assert_eq!(world.drain().await, 1);
    }

    async fn attack_t30_one_sender_of_an_organization_writes_so_often_a_day_to_one_person(database) {
        let world = World::with(database, |config, port| {
            config.smtp = Some(smtp(port));
            config.messages_per_day = 2;
        }).await;
        let (engines, owner, ada) = engines(&world).await;
        let bob = world.person("Bob");
        join(&world, bob, engines, "OWNER");
        let send = async |named| send_as(&world, owner.clone(), with("approved", &[("spec", "7")], named)).await;
        send(vec![user(ada)]).await.expect("accepted");
        send(vec![user(ada), user(bob)]).await.expect("accepted");
        let status = send(vec![user(bob), user(ada)]).await.expect_err("enough");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "MESSAGES_TOO_MANY"));
        send(vec![user(bob)]).await.expect("the refused one was not counted");
        world.clock.advance(DAY + MINUTE);
        send(vec![user(ada)]).await.expect("another day");
    }

    async fn templates_end_with_their_organization_and_so_does_what_waits(database) {
        let world = World::new(database).await;
        let (engines, owner, ada) = engines(&world).await;
        let schedule_time = Some(wire(world.clock.now().plus(DAY)));
        let request = SendNotificationRequest { schedule_time, ..with("approved", &[("spec", "7")], vec![user(ada)]) };
        let sent = send_as(&world, owner.clone(), request.clone()).await.expect("accepted");
        world.ingest(vec![world.organization_deleted(engines)]).await;
        assert_eq!(world.drain_after(DAY).await, 0);
        let found = get(&world, world.admin(), &sent.notification_id).await.expect("kept");
        assert_eq!(found.deliveries.map(|counts| counts.suppressed), Some(1));
        let again = with("approved", &[("spec", "7")], vec![user(ada)]);
        assert_eq!(reason(&send_as(&world, owner, again).await.expect_err("gone")), "TEMPLATE_NOT_FOUND");
    }

    async fn what_was_said_to_one_person_is_erased_with_it(database) {
        let world = World::new(database).await;
        let (_, owner, ada) = engines(&world).await;
        send_as(&world, owner, with("approved", &[("spec", "Ada's secret")], vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        world.ingest(vec![crate::erased::erased(&world, ada)]).await;
        assert_eq!(world.count("notifications WHERE data LIKE '%secret%' OR title LIKE '%secret%'").await, 0);
    }
}

async fn of_name(world: &World, caller: Caller, name: &str) -> String {
    let request = rolecall_api::notification::v1::ListTemplatesRequest::default();
    let listed = world.templates(caller).list_templates(request).await.expect("listed").into_inner().templates;
    listed.into_iter().find(|one| one.name == name).expect("a template").template_id
}
