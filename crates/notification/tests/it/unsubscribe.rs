//! One click ends mails that are not mandatory (RFC 8058).

use rolecall_api::notification::v1::recipient::Recipient as To;
use rolecall_api::notification::v1::{
    Category, CategoryPreference, Digest, Preferences, Recipient, SendNotificationRequest, UnsubscribeRequest,
};
use rolecall_testkit::{Mail, on_each_database};
use tonic::Code;

use crate::notifications::{reason, send, to, user};
use crate::preferences::{change, get};
use crate::world::{DAY, World};

/// The path in the header of a mail.
fn path(mail: &Mail) -> String {
    let header = mail.header("List-Unsubscribe").expect("the header");
    let address = header.strip_prefix("<https://rolecall.example.org").and_then(|rest| rest.strip_suffix('>'));
    address.expect("an address of ours").to_owned()
}

on_each_database! {
    async fn one_click_ends_mails_of_that_kind_and_looking_ends_nothing(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        let mail = world.sink.mails().remove(0);
        let path = path(&mail);
        assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
        assert!(mail.text().contains(&path) && mail.html().is_some_and(|html| html.contains(&path)));
        let (status, page) = world.http("GET", &path).await;
        assert!(status == 200 && page.contains("<form method=\"post\">"), "{status} {page}");
        assert_eq!(get(&world, ada).await.etag, "v0", "looking changes nothing");
        for _ in 0..2 {
            let (status, page) = world.http("POST", &path).await;
            assert!(status == 200 && page.contains("data workflow"), "{status} {page}");
        }
        let preferences = get(&world, ada).await;
        assert!(preferences.enabled && preferences.etag == "v1", "once: {preferences:?}");
        let off: Vec<_> = preferences.categories.iter().filter(|one| !one.mail).map(CategoryPreference::category).collect();
        assert_eq!(off, [Category::Workflow]);
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 1, "no more of them");
        world.notification.relay().drain().await;
        let audited = world.doubles.know(|known| known.audited.clone());
        assert_eq!(audited.iter().filter(|topic| *topic == "notification.mail_unsubscribed").count(), 1);
    }

    async fn a_link_of_a_digest_ends_mails_of_what_it_told_and_leaves_the_inbox_alone(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        let daily = Preferences { digest: Digest::Daily.into(), ..Default::default() };
        world.preferences(world.as_person(ada)).update_preferences(change(&["digest"], daily)).await.expect("daily");
        let about = async |category: Category| {
            let request = SendNotificationRequest { category: category.into(), ..to(vec![user(ada)]) };
            send(&world, request).await.expect("accepted");
            world.drain().await;
        };
        about(Category::Workflow).await;
        about(Category::Message).await;
        world.drain_after(DAY).await;
        let path = path(&world.sink.mails()[0]);
        // Gathered by now, and not told any more once it is ended.
        about(Category::Workflow).await;
        let (status, page) = world.http("POST", &path).await;
        assert!(status == 200 && page.contains("data workflow and messages by mail"), "{status} {page}");
        let token = path.rsplit('/').next().expect("a token").to_owned();
        let answer = world.preferences(world.as_person(ada)).unsubscribe(UnsubscribeRequest { token }).await;
        let answer = answer.expect("ended").into_inner();
        assert_eq!(answer.categories().collect::<Vec<_>>(), [Category::Workflow, Category::Message]);
        assert_eq!(answer.category(), Category::Unspecified);
        let preferences = get(&world, ada).await;
        assert!(preferences.enabled && preferences.categories.iter().all(|one| one.inbox), "{preferences:?}");
        let off: Vec<_> = preferences.categories.iter().filter(|one| !one.mail).map(CategoryPreference::category).collect();
        assert_eq!(off, [Category::Workflow, Category::Message]);
        about(Category::Announcement).await;
        world.drain_after(DAY).await;
        let mails = world.sink.mails();
        assert_eq!((mails.len(), mails[1].subject().as_str()), (2, "1 notifications"), "the announcement alone");
    }

    async fn an_address_without_an_account_ends_its_mails_too(database) {
        let world = World::new(database).await;
        let eve = |email: &str| Recipient { recipient: Some(To::Email(email.to_owned())) };
        send(&world, to(vec![eve("eve@example.com")])).await.expect("accepted");
        world.drain().await;
        let token = path(&world.sink.mails()[0]).rsplit('/').next().expect("a token").to_owned();
        let request = UnsubscribeRequest { token };
        let nobody = world.caller_with(None, Vec::new());
        let ended = world.preferences(nobody).unsubscribe(request).await.expect("ended").into_inner();
        assert_eq!(ended.category(), Category::Workflow);
        send(&world, to(vec![eve("EVE@example.com")])).await.expect("accepted");
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 1);
    }

    /// ASVS: T31
    async fn mandatory_mail_offers_no_end(database) {
        let world = World::new(database).await;
        let (engines, grace, ada) = (world.organization("Engines"), world.person("Grace"), world.person("Ada"));
        world.ingest(vec![world.blocked(engines, grace, ada), world.invitation(engines, "bob@example.org")]).await;
        assert_eq!(world.drain().await, 2);
        for mail in world.sink.mails() {
            assert_eq!((mail.header("List-Unsubscribe"), mail.header("List-Unsubscribe-Post")), (None, None));
        }
    }
}

/// ASVS: T31
#[tokio::test]
async fn a_token_that_was_not_made_here_ends_nothing() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    for token in ["", "x", &"A".repeat(44), &"A".repeat(10_000)] {
        let nobody = world.caller_with(None, Vec::new());
        let request = UnsubscribeRequest { token: token.to_owned() };
        let status = world.preferences(nobody).unsubscribe(request).await.expect_err("refused");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "UNSUBSCRIBE_TOKEN_INVALID"));
    }
    for method in ["GET", "POST"] {
        let (status, page) = world.http(method, &format!("/unsubscribe/{}", "A".repeat(44))).await;
        assert!(status == 404 && page.contains("This link ends no mails"), "{status} {page}");
    }
}
