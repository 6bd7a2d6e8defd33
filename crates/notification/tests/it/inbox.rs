//! A person's inbox: its own, and nobody else's.

use rolecall_api::notification::v1::{
    CancelNotificationRequest, Category, CategoryPreference, DeleteMessagesRequest, GetInboxSummaryRequest,
    InboxMessage, InboxSummary, ListMessagesRequest, MarkMessagesRequest, Preferences, ReplyToMessageRequest,
    SendNotificationRequest,
};
use rolecall_kernel::id::{MessageId, RequestId, SubjectId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::notifications::{reason, send, to, user};
use crate::preferences::change;
use crate::world::{DAY, World, smtp, wire};

async fn list(world: &World, person: SubjectId) -> Vec<InboxMessage> {
    let answer = world.inbox(world.as_person(person)).list_messages(ListMessagesRequest::default()).await;
    answer.expect("listed").into_inner().messages
}

async fn summary(world: &World, person: SubjectId) -> (i32, i32) {
    let answer = world.inbox(world.as_person(person)).get_inbox_summary(GetInboxSummaryRequest {}).await;
    counts(answer.expect("counted").into_inner().summary)
}

fn counts(summary: Option<InboxSummary>) -> (i32, i32) {
    summary.map(|summary| (summary.message_count, summary.unread_count)).expect("counts")
}

async fn mark(world: &World, person: SubjectId, ids: &[&str], unread: bool) -> Result<(i32, i32), Status> {
    let message_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let request = MarkMessagesRequest { message_ids, unread, ..Default::default() };
    let answer = world.inbox(world.as_person(person)).mark_messages(request).await?;
    Ok(counts(answer.into_inner().summary))
}

async fn delete(world: &World, person: SubjectId, ids: &[&str]) -> Result<(i32, i32), Status> {
    let message_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let request = DeleteMessagesRequest { message_ids, ..Default::default() };
    let answer = world.inbox(world.as_person(person)).delete_messages(request).await?;
    Ok(counts(answer.into_inner().summary))
}

async fn reply(world: &World, person: SubjectId, id: &str, request_id: &str) -> Result<InboxMessage, Status> {
    let (message_id, request_id) = (id.to_owned(), request_id.to_owned());
    let request = ReplyToMessageRequest { request_id, message_id, text: "Thank you.".to_owned() };
    let answer = world.inbox(world.as_person(person)).reply_to_message(request).await?;
    Ok(answer.into_inner().message.expect("a message"))
}

/// Tells somebody something as a person.
async fn told_by(world: &World, sender: SubjectId, recipient: SubjectId) {
    let grants = vec![("notification.notifications.send".to_owned(), rolecall_authz::ScopeKind::Any)];
    let sender = world.caller_as(sender, None, grants);
    world.notifications(sender).send_notification(to(vec![user(recipient)])).await.expect("accepted");
}

on_each_database! {
    async fn what_a_person_is_told_lies_in_its_inbox_until_it_is_read_and_deleted(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        for _ in 0..3 {
            world.clock.advance(std::time::Duration::from_millis(5));
            send(&world, to(vec![user(ada), user(bob)])).await.expect("accepted");
        }
        let messages = list(&world, ada).await;
        assert_eq!((messages.len(), summary(&world, ada).await), (3, (3, 3)));
        assert!(messages.windows(2).all(|two| two[0].message_id > two[1].message_id), "the newest first");
        let first = &messages[0];
        assert_eq!((first.title.as_str(), first.category()), ("Spec 7 was approved", Category::Workflow));
        assert!(first.text.starts_with("Your spec was approved.\n\n") && first.read_time.is_none());
        let id = first.message_id.as_str();
        assert_eq!(mark(&world, ada, &[id, id], false).await.expect("read"), (3, 2));
        let read = list(&world, ada).await[0].read_time;
        world.clock.advance(DAY);
        assert_eq!(mark(&world, ada, &[id], false).await.expect("read before"), (3, 2));
        assert_eq!(list(&world, ada).await[0].read_time, read, "it was read then, not now");
        let unread = ListMessagesRequest { unread_only: true, page_size: 1, ..Default::default() };
        let mut inbox = world.inbox(world.as_person(ada));
        let page = inbox.list_messages(unread.clone()).await.expect("a page").into_inner();
        let rest = ListMessagesRequest { page_token: page.next_page_token, ..unread };
        let rest = inbox.list_messages(rest).await.expect("the rest").into_inner();
        assert_eq!((page.messages.len(), rest.messages.len(), rest.next_page_token.as_str()), (1, 1, ""));
        assert_eq!(mark(&world, ada, &[id], true).await.expect("unread again"), (3, 3));
        assert_eq!(delete(&world, ada, &[id]).await.expect("deleted"), (2, 2));
        assert_eq!(summary(&world, bob).await, (3, 3), "nobody else's changed");
    }

    /// ASVS: V8.2.2
    async fn attack_t33_nobody_sees_or_changes_the_inbox_of_another(database) {
        let world = World::new(database).await;
        let (ada, eve) = (world.person("Ada"), world.person("Eve"));
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        send(&world, to(vec![user(eve)])).await.expect("accepted");
        let (foreign, own) = (list(&world, ada).await[0].message_id.clone(), list(&world, eve).await[0].message_id.clone());
        let missing = MessageId::new(world.clock.now(), &world.entropy).to_string();
        let mut refusals = Vec::new();
        for id in [&foreign, &missing] {
            let marked = mark(&world, eve, &[&own, id], false).await.expect_err("not hers");
            let deleted = delete(&world, eve, &[&own, id]).await.expect_err("not hers");
            let answered = reply(&world, eve, id, "").await.expect_err("not hers");
            assert_eq!((marked.code(), reason(&marked).as_str()), (Code::NotFound, "MESSAGE_NOT_FOUND"));
            refusals.push([marked, deleted, answered].map(|status| (status.code(), status.message().to_owned())));
        }
        assert_eq!(refusals[0], refusals[1]);
        assert_eq!(summary(&world, eve).await, (1, 1), "all that are named, or none");
        assert_eq!(summary(&world, ada).await, (1, 1));
    }

    async fn an_answer_lies_in_the_inbox_of_whoever_wrote(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        told_by(&world, bob, ada).await;
        let message = list(&world, ada).await.remove(0);
        let request_id = RequestId::new(world.clock.now(), &world.entropy).to_string();
        let answer = reply(&world, ada, &message.message_id, &request_id).await.expect("answered");
        assert_eq!(reply(&world, ada, &message.message_id, &request_id).await.expect("the same"), answer);
        let found = list(&world, bob).await;
        assert_eq!(found, std::slice::from_ref(&answer));
        assert_eq!((found[0].title.as_str(), found[0].text.as_str()), ("Re: Spec 7 was approved", "Thank you."));
        assert_eq!((&found[0].reply_to_id, &found[0].sender_id), (&message.message_id, &ada.to_string()));
        let back = reply(&world, bob, &answer.message_id, "").await.expect("answered in turn");
        assert_eq!((back.title.as_str(), back.sender_id.as_str()), ("Re: Spec 7 was approved", bob.to_string().as_str()));
        world.notification.relay().drain().await;
        let audited = world.doubles.know(|known| known.audited.clone());
        assert_eq!(audited.iter().filter(|topic| *topic == "notification.message_answered").count(), 2);
        // A program reads no answers.
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        let of_program = list(&world, ada).await.into_iter().find(|one| one.reply_to_id.is_empty() && one.sender_id != bob.to_string());
        let status = reply(&world, ada, &of_program.expect("a message").message_id, "").await.expect_err("nobody reads it");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "REPLY_NOT_POSSIBLE"));
    }

    async fn a_person_is_answered_so_often_a_day_by_one_and_no_more(database) {
        let world = World::with(database, |config, port| {
            config.smtp = Some(smtp(port));
            config.messages_per_day = 2;
        }).await;
        let (ada, bob, eve) = (world.person("Ada"), world.person("Bob"), world.person("Eve"));
        told_by(&world, bob, ada).await;
        told_by(&world, bob, eve).await;
        let (to_ada, to_eve) = (list(&world, ada).await.remove(0), list(&world, eve).await.remove(0));
        // Nobody learns from the limit that Bob wants none of it.
        let off = change(&["enabled"], Preferences::default());
        world.preferences(world.as_person(bob)).update_preferences(off).await.expect("off");
        for _ in 0..2 {
            reply(&world, ada, &to_ada.message_id, "").await.expect("answered");
            world.clock.advance(DAY / 4);
        }
        let status = reply(&world, ada, &to_ada.message_id, "").await.expect_err("enough");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "MESSAGES_TOO_MANY"));
        assert!(status.get_details_quota_failure().is_some());
        let wait = status.get_details_retry_info().and_then(|info| info.retry_delay).expect("when");
        assert_eq!(wait, DAY / 2);
        reply(&world, eve, &to_eve.message_id, "").await.expect("Eve's are counted apart");
        world.clock.advance(wait);
        reply(&world, ada, &to_ada.message_id, "").await.expect("a day later");
        world.clock.advance(DAY);
        world.notification.sweep().await.expect("swept");
        assert_eq!(world.count("writings").await, 0, "what is counted no more is forgotten");
    }

    async fn an_inbox_holds_what_its_person_wants_and_what_is_due(database) {
        let world = World::new(database).await;
        let (ada, bob) = (world.person("Ada"), world.person("Bob"));
        let muted = CategoryPreference { category: Category::Workflow.into(), mail: true, ..Default::default() };
        let wanted = Preferences { categories: vec![muted], ..Default::default() };
        world.preferences(world.as_person(ada)).update_preferences(change(&["categories"], wanted)).await.expect("muted");
        let later = |after| Some(wire(world.clock.now().plus(after)));
        let request = SendNotificationRequest { schedule_time: later(DAY), expire_time: later(DAY * 2), ..to(vec![user(ada), user(bob)]) };
        let (kept, taken) = (send(&world, request.clone()).await, send(&world, request).await.expect("accepted"));
        kept.expect("accepted");
        let request = CancelNotificationRequest { notification_id: taken.notification_id, ..Default::default() };
        world.notifications(world.admin()).cancel_notification(request).await.expect("taken back");
        assert_eq!(summary(&world, bob).await, (0, 0), "not before its time");
        world.clock.advance(DAY);
        assert_eq!((summary(&world, bob).await, summary(&world, ada).await), ((1, 1), (0, 0)));
        world.clock.advance(DAY);
        assert_eq!(summary(&world, bob).await, (0, 0), "it has expired");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_change_of_an_inbox_is_told_at_once() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let fields = |status: Status| {
        let found = status.get_details_bad_request().expect("BadRequest").field_violations;
        found.into_iter().map(|one| one.field).collect::<Vec<_>>()
    };
    let ada = world.person("Ada");
    let mut inbox = world.inbox(world.as_person(ada));
    let request = MarkMessagesRequest { request_id: "7".to_owned(), message_ids: vec!["x".to_owned()], unread: false };
    assert_eq!(fields(inbox.mark_messages(request).await.expect_err("invalid")), ["request_id", "message_ids[0]"]);
    let nothing = inbox.delete_messages(DeleteMessagesRequest::default()).await.expect_err("invalid");
    assert_eq!(fields(nothing), ["message_ids"]);
    let nothing = inbox.reply_to_message(ReplyToMessageRequest::default()).await.expect_err("invalid");
    assert_eq!(fields(nothing), ["message_id", "text"]);
    let request = ListMessagesRequest { page_size: -1, page_token: "x".to_owned(), ..Default::default() };
    assert_eq!(fields(inbox.list_messages(request).await.expect_err("invalid")), ["page_size", "page_token"]);
}
