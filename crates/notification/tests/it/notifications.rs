//! Programs and administrators tell people something.

use rolecall_api::notification::v1::recipient::Recipient as To;
use rolecall_api::notification::v1::{
    CancelNotificationRequest, Category, DeliveryState, GetNotificationRequest, InlineText, ListNotificationsRequest,
    Notification, Preferences, Recipient, RetryDeliveriesRequest, SendNotificationRequest,
};
use rolecall_authz::{Caller, ScopeKind};
use rolecall_kernel::id::{NotificationId, OrganizationId, RequestId, SubjectId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{Behaviour, on_each_database};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::preferences::change;
use crate::world::{DAY, MINUTE, World, smtp, wire};

pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().expect("ErrorInfo").reason
}

pub(crate) fn user(subject: SubjectId) -> Recipient {
    Recipient { recipient: Some(To::UserId(subject.to_string())) }
}

pub(crate) fn role(name: &str) -> Recipient {
    Recipient { recipient: Some(To::Role(name.to_owned())) }
}

pub(crate) fn address(email: &str) -> Recipient {
    Recipient { recipient: Some(To::Email(email.to_owned())) }
}

pub(crate) fn to(recipients: Vec<Recipient>) -> SendNotificationRequest {
    let inline_text = InlineText {
        title: "Spec 7 was approved".to_owned(),
        text: "Your spec was approved.\n\nSee https://app.example.org/7 & run <it>.".to_owned(),
    };
    SendNotificationRequest {
        recipients,
        category: Category::Workflow.into(),
        inline_text: Some(inline_text),
        ..Default::default()
    }
}

pub(crate) async fn send(world: &World, request: SendNotificationRequest) -> Result<Notification, Status> {
    send_as(world, world.admin(), request).await
}

pub(crate) async fn send_as(
    world: &World,
    caller: Caller,
    request: SendNotificationRequest,
) -> Result<Notification, Status> {
    let answer = world.notifications(caller).send_notification(request).await?;
    Ok(answer.into_inner().notification.expect("a notification"))
}

pub(crate) async fn get(world: &World, caller: Caller, notification_id: &str) -> Result<Notification, Status> {
    let request = GetNotificationRequest { notification_id: notification_id.to_owned() };
    let answer = world.notifications(caller).get_notification(request).await?;
    Ok(answer.into_inner().notification.expect("a notification"))
}

async fn cancel(world: &World, caller: Caller, notification_id: &str) -> Result<Notification, Status> {
    let request = CancelNotificationRequest { notification_id: notification_id.to_owned(), ..Default::default() };
    let answer = world.notifications(caller).cancel_notification(request).await?;
    Ok(answer.into_inner().notification.expect("a notification"))
}

/// Makes a person a member of an organization.
pub(crate) fn join(world: &World, person: SubjectId, organization: OrganizationId, role: &str) {
    let member = (person.to_string(), organization.to_string(), role.to_owned());
    world.doubles.know(|known| known.members.push(member));
}

on_each_database! {
    async fn people_holders_of_a_role_and_addresses_are_told_once_each(database) {
        let world = World::new(database).await;
        let engines = world.organization("Engines");
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        join(&world, ada, engines, "OWNER");
        let named = vec![user(ada), user(bob), role("OWNER"), address("eve@example.com"), address("Eve@Example.com")];
        let request = SendNotificationRequest { organization_id: engines.to_string(), ..to(named) };
        let sent = send(&world, request).await.expect("accepted");
        assert_eq!((sent.recipient_count, sent.category()), (3, Category::Workflow));
        assert_eq!(world.drain().await, 3);
        let mut mails = world.sink.mails();
        mails.sort_by_key(|mail| mail.recipients.clone());
        let told: Vec<_> = mails.iter().flat_map(|mail| mail.recipients.clone()).collect();
        assert_eq!(told, ["ada@example.org", "bob@example.org", "eve@example.com"]);
        assert_eq!(mails[0].subject(), "Spec 7 was approved");
        assert!(mails[0].text().contains("Hello Ada,") && mails[0].text().contains("https://app.example.org/7 & run <it>."));
        let html = mails[0].html().expect("HTML");
        assert!(html.contains("&lt;it&gt;") && !html.contains("<it>"), "{html}");
        assert!(mails[2].text().starts_with("Hello,"), "nobody knows who reads there");
        let found = get(&world, world.owner(engines), &sent.notification_id).await.expect("seen");
        assert_eq!(found.deliveries.map(|counts| counts.sent), Some(3));
        world.notification.relay().drain().await;
        assert_eq!(world.doubles.know(|known| known.audited.clone()), ["notification.notification_sent"]);
    }

    async fn what_is_repeated_is_sent_once(database) {
        let world = World::new(database).await;
        let (ada, admin) = (world.person("Ada"), world.admin());
        let request_id = RequestId::new(world.clock.now(), &world.entropy).to_string();
        let request = SendNotificationRequest { request_id, ..to(vec![user(ada)]) };
        let (one, two) = tokio::join!(
            send_as(&world, admin.clone(), request.clone()),
            send_as(&world, admin.clone(), request.clone())
        );
        assert_eq!(one.expect("accepted"), two.expect("the same"));
        // Nobody is asked for what was answered already.
        world.doubles.know(|known| known.is_down = true);
        send_as(&world, admin.clone(), request.clone()).await.expect("the same");
        assert_eq!(world.drain().await, 1);
        let other = SendNotificationRequest { category: Category::Message.into(), ..request };
        let status = send_as(&world, admin, other).await.expect_err("other content");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    }

    async fn what_is_scheduled_waits_and_can_be_taken_back(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let later = |after| Some(wire(world.clock.now().plus(after)));
        let request = SendNotificationRequest { schedule_time: later(DAY * 10), ..to(vec![user(ada)]) };
        let (kept, taken) = (send(&world, request.clone()).await, send(&world, request).await);
        let (kept, taken) = (kept.expect("accepted").notification_id, taken.expect("accepted").notification_id);
        assert_eq!(world.drain_after(DAY * 9).await, 0);
        let cancelled = cancel(&world, world.admin(), &taken).await.expect("taken back");
        assert!(cancelled.cancel_time.is_some());
        assert_eq!(cancelled.deliveries.map(|counts| (counts.pending, counts.suppressed)), Some((0, 1)));
        // Its tries are counted from its time, not from when it was accepted.
        world.sink.script([Behaviour::DeferRecipient]);
        assert_eq!(world.drain_after(DAY).await, 1);
        assert_eq!(world.drain_after(MINUTE).await, 1);
        assert_eq!(world.sink.mails().len(), 1);
        for done in [taken, kept] {
            let status = cancel(&world, world.admin(), &done).await.expect_err("nothing waits");
            assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "NOTIFICATION_NOT_PENDING"));
        }
    }

    async fn what_is_scheduled_is_kept_as_long_as_if_it_had_been_accepted_when_it_is_due(database) {
        let world = World::with(database, |config, port| {
            config.smtp = Some(smtp(port));
            config.retention = DAY * 30;
        }).await;
        let schedule_time = Some(wire(world.clock.now().plus(DAY * 60)));
        let request = SendNotificationRequest { schedule_time, ..to(vec![user(world.person("Ada"))]) };
        let sent = send(&world, request).await.expect("accepted").notification_id;
        let sweep = async || world.notification.sweep().await.expect("swept");
        world.clock.advance(DAY * 45);
        assert_eq!(sweep().await, 0, "it waits");
        assert_eq!(world.drain_after(DAY * 15).await, 1);
        world.clock.advance(DAY * 29);
        assert_eq!(sweep().await, 0, "it was sent not long ago");
        get(&world, world.admin(), &sent).await.expect("kept");
        world.clock.advance(DAY * 2);
        assert_eq!(sweep().await, 3, "the notification, its mail and its message");
        assert_eq!(reason(&get(&world, world.admin(), &sent).await.expect_err("gone")), "NOTIFICATION_NOT_FOUND");
    }

    async fn what_was_taken_back_is_not_sent_by_taking_its_parked_mails_up(database) {
        let world = World::new(database).await;
        world.sink.script([Behaviour::RefuseRecipient]);
        let sent = send(&world, to(vec![user(world.person("Ada"))])).await.expect("accepted").notification_id;
        assert_eq!(world.drain().await, 1);
        let cancelled = cancel(&world, world.admin(), &sent).await.expect("its parked mail waits");
        assert_eq!(cancelled.deliveries.map(|counts| (counts.parked, counts.suppressed)), Some((0, 1)));
        let delivery_ids = vec![world.all().await[0].delivery_id.clone()];
        let request = RetryDeliveriesRequest { delivery_ids, ..Default::default() };
        let status = world.client(world.admin()).retry_deliveries(request).await.expect_err("taken back");
        assert_eq!(reason(&status), "DELIVERY_NOT_PARKED");
        let status = cancel(&world, world.admin(), &sent).await.expect_err("nothing waits");
        assert_eq!(reason(&status), "NOTIFICATION_NOT_PENDING");
    }

    async fn what_waited_goes_to_the_address_of_today_and_to_nobody_who_is_gone(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        let schedule_time = Some(wire(world.clock.now().plus(DAY)));
        let request = SendNotificationRequest { schedule_time, ..to(vec![user(ada), user(bob), address("eve@example.com")]) };
        send(&world, request).await.expect("accepted");
        world.doubles.know(|known| {
            known.contacts.remove(&bob.to_string());
            "ada@new.example".clone_into(&mut known.contacts.get_mut(&ada.to_string()).expect("Ada").email);
            known.is_down = true;
        });
        assert_eq!(world.drain_after(DAY).await, 3);
        let told = || world.sink.mails().iter().flat_map(|mail| mail.recipients.clone()).collect::<Vec<_>>();
        assert_eq!(told(), ["eve@example.com"], "who cannot be asked for is asked for again");
        world.doubles.know(|known| known.is_down = false);
        assert_eq!(world.drain_after(MINUTE).await, 2);
        assert_eq!(told(), ["eve@example.com", "ada@new.example"]);
        let of_bob = world.all().await.into_iter().find(|one| one.recipient_id == bob.to_string()).expect("kept");
        assert_eq!((of_bob.state(), of_bob.suppression.as_str()), (DeliveryState::Suppressed, "deleted"));
    }

    async fn an_address_of_an_account_is_its_person_and_told_what_that_prefers(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        world.doubles.know(|known| known.contacts.get_mut(&bob.to_string()).expect("Bob").email_verified = false);
        let off = change(&["enabled"], Preferences::default());
        for person in [ada, bob] {
            world.preferences(world.as_person(person)).update_preferences(off.clone()).await.expect("off");
        }
        let named = vec![user(ada), address("Ada@example.org"), address("bob@example.org")];
        assert_eq!(send(&world, to(named)).await.expect("accepted").recipient_count, 2);
        world.drain().await;
        let told: Vec<_> = world.sink.mails().iter().flat_map(|mail| mail.recipients.clone()).collect();
        assert_eq!(told, ["bob@example.org"], "whoever reads there has not proven to be Bob");
        let recipients: Vec<_> = world.all().await.into_iter().map(|one| one.recipient_id).collect();
        assert!(recipients.contains(&ada.to_string()) && !recipients.contains(&bob.to_string()), "{recipients:?}");
    }

    async fn what_has_expired_is_not_sent(database) {
        let world = World::new(database).await;
        let expire_time = Some(wire(world.clock.now().plus(DAY)));
        let request = SendNotificationRequest { expire_time, ..to(vec![user(world.person("Ada"))]) };
        let sent = send(&world, request).await.expect("accepted");
        assert_eq!(world.drain_after(DAY + MINUTE).await, 0);
        let found = get(&world, world.admin(), &sent.notification_id).await.expect("seen");
        assert_eq!(found.deliveries.map(|counts| counts.expired), Some(1));
    }

    async fn a_recipient_that_is_not_there_leaves_everybody_untold(database) {
        let world = World::new(database).await;
        let (engines, ada) = (world.organization("Engines"), world.person("Ada"));
        let nobody = SubjectId::new(world.clock.now(), &world.entropy);
        for wrong in [user(nobody), role("OWNER")] {
            let organization_id = engines.to_string();
            let request = SendNotificationRequest { organization_id, ..to(vec![user(ada), wrong]) };
            let status = send(&world, request).await.expect_err("not there");
            assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "RECIPIENT_NOT_FOUND"));
        }
        let gone = OrganizationId::new(world.clock.now(), &world.entropy).to_string();
        let request = SendNotificationRequest { organization_id: gone, ..to(vec![user(ada)]) };
        assert_eq!(reason(&send(&world, request).await.expect_err("not there")), "ORGANIZATION_NOT_FOUND");
        assert_eq!(world.drain().await, 0);
    }

    async fn who_sends_for_one_organization_writes_no_free_text(database) {
        let world = World::new(database).await;
        let (engines, ada) = (world.organization("Engines"), world.person("Ada"));
        join(&world, ada, engines, "OWNER");
        let status = send_as(&world, world.owner(engines), to(vec![user(ada)])).await.expect_err("refused");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "INSTANCE_SENDER_REQUIRED"));
        assert_eq!(world.drain().await, 0);
    }

    /// ASVS: V8.2.2
    async fn attack_t33_a_foreign_notification_is_not_there(database) {
        let world = World::new(database).await;
        let (ours, theirs) = (world.organization("Ours"), world.organization("Theirs"));
        let later = Some(wire(world.clock.now().plus(DAY)));
        let request = to(vec![user(world.person("Ada"))]);
        let request = SendNotificationRequest { organization_id: theirs.to_string(), schedule_time: later, ..request };
        let foreign = send(&world, request).await.expect("accepted").notification_id;
        let missing = NotificationId::new(world.clock.now(), &world.entropy).to_string();
        let mut refusals = Vec::new();
        for id in [&foreign, &missing] {
            let read = get(&world, world.owner(ours), id).await.expect_err("not there");
            let taken = cancel(&world, world.owner(ours), id).await.expect_err("not there");
            assert_eq!(reason(&read), "NOTIFICATION_NOT_FOUND");
            refusals.push([read, taken].map(|status| (status.code(), status.message().to_owned())));
        }
        assert_eq!(refusals[0], refusals[1]);
        let listed = |caller: Caller, organization_id: &str| {
            let request = ListNotificationsRequest { organization_id: organization_id.to_owned(), ..Default::default() };
            let mut client = world.notifications(caller);
            async move { client.list_notifications(request).await.map(|answer| answer.into_inner().notifications.len()) }
        };
        assert_eq!(listed(world.owner(ours), "-").await.expect("listed"), 0);
        assert_eq!(listed(world.owner(theirs), "").await.expect("listed"), 1);
        let status = listed(world.owner(ours), &theirs.to_string()).await.expect_err("foreign");
        assert_eq!(reason(&status), "ORGANIZATION_NOT_FOUND");
        cancel(&world, world.owner(theirs), &foreign).await.expect("its own");
    }

    async fn pages_hold_every_notification_once_and_newest_first(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        for _ in 0..5 {
            world.clock.advance(std::time::Duration::from_millis(5));
            send(&world, to(vec![user(ada)])).await.expect("accepted");
        }
        let admin = world.admin();
        let (mut seen, mut request) = (Vec::new(), ListNotificationsRequest {
            organization_id: "-".to_owned(),
            page_size: 2,
            ..Default::default()
        });
        loop {
            let page = world.notifications(admin.clone()).list_notifications(request.clone()).await.expect("a page");
            let page = page.into_inner();
            seen.extend(page.notifications.into_iter().map(|one| one.notification_id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let mut ordered = seen.clone();
        ordered.sort_by(|one, other| other.cmp(one));
        ordered.dedup();
        assert_eq!((seen.len(), &seen), (5, &ordered));
    }
}

#[tokio::test]
async fn one_notification_reaches_a_thousand_people_at_most() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let engines = world.organization("Engines");
    for n in 0..1_001 {
        join(&world, world.person(&format!("p{n}")), engines, "GUEST");
    }
    let request = SendNotificationRequest { organization_id: engines.to_string(), ..to(vec![role("GUEST")]) };
    let status = send(&world, request).await.expect_err("too many");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "RECIPIENTS_TOO_MANY"));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_notification_is_told_at_once() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let request = SendNotificationRequest {
        request_id: "7".to_owned(),
        organization_id: "Ours".to_owned(),
        recipients: vec![
            Recipient::default(),
            Recipient { recipient: Some(To::UserId("me".to_owned())) },
            role(""),
            address("nobody"),
        ],
        category: Category::Security.into(),
        inline_text: Some(InlineText { title: "a\nb".to_owned(), text: " ".to_owned() }),
        schedule_time: Some(wire(world.clock.now())),
        expire_time: Some(wire(world.clock.now().plus(DAY * 100))),
        ..Default::default()
    };
    let status = send(&world, request).await.expect_err("invalid");
    let found = status.get_details_bad_request().expect("BadRequest").field_violations;
    let fields: Vec<_> = found.iter().map(|one| one.field.as_str()).collect();
    let wanted = [
        "request_id",
        "organization_id",
        "recipients[0]",
        "recipients[1].user_id",
        "recipients[2].role",
        "recipients[3].email",
        "category",
        "inline_text.title",
        "inline_text.text",
        "schedule_time",
        "expire_time",
    ];
    assert_eq!(fields, wanted);
    let nothing = send(&world, SendNotificationRequest::default()).await.expect_err("invalid");
    let found = nothing.get_details_bad_request().expect("BadRequest").field_violations;
    assert_eq!(
        found.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(),
        ["recipients", "category", "inline_text"]
    );
    let may_nothing =
        world.caller_with(None, vec![("notification.notifications.send".to_owned(), ScopeKind::SelfOnly)]);
    let status = send_as(&world, may_nothing, to(vec![address("eve@example.com")])).await.expect_err("refused");
    assert_eq!(reason(&status), "INSTANCE_SENDER_REQUIRED");
}
