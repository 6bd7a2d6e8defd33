//! Addresses that get no mail: who keeps them, and what they still get.

use rolecall_api::notification::v1::{
    CreateSuppressionRequest, DeleteSuppressionRequest, DeliveryState, ListSuppressionsRequest, Suppression,
    SuppressionReason,
};
use rolecall_authz::Caller;
use rolecall_kernel::id::RequestId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{Behaviour, on_each_database};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::notifications::{address, reason, send, to, user};
use crate::world::{DAY, World};

async fn create(world: &World, caller: Caller, email: &str) -> Result<Suppression, Status> {
    let request = CreateSuppressionRequest { email: email.to_owned(), ..Default::default() };
    let answer = world.suppressions(caller).create_suppression(request).await?;
    Ok(answer.into_inner().suppression.expect("a suppression"))
}

pub(crate) async fn delete(world: &World, caller: Caller, email: &str) -> Result<(), Status> {
    let request = DeleteSuppressionRequest { email: email.to_owned(), ..Default::default() };
    world.suppressions(caller).delete_suppression(request).await.map(drop)
}

async fn list(world: &World) -> Vec<Suppression> {
    let request = ListSuppressionsRequest::default();
    world.suppressions(world.admin()).list_suppressions(request).await.expect("listed").into_inner().suppressions
}

on_each_database! {
    async fn attack_t30_an_address_that_was_refused_for_good_gets_nothing_more_that_is_not_mandatory(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        world.sink.script([Behaviour::RefuseRecipient]);
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        assert_eq!(world.drain().await, 1);
        let kept = list(&world).await;
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].email.as_str(), kept[0].reason()), ("ada@example.org", SuppressionReason::Bounce));
        assert!(kept[0].actor_id.is_empty() && !kept[0].detail.is_empty());
        world.clock.advance(DAY);
        send(&world, to(vec![user(ada), address("eve@example.com")])).await.expect("accepted");
        world.drain().await;
        let told: Vec<_> = world.sink.mails().iter().flat_map(|mail| mail.recipients.clone()).collect();
        assert_eq!(told, ["eve@example.com"]);
        let newest = world.all().await.into_iter().find(|one| one.recipient_id == ada.to_string()).expect("kept");
        assert_eq!((newest.state(), newest.suppression.as_str()), (DeliveryState::Suppressed, "address"));
        // What is mandatory is tried still.
        let organization = world.organization("Engines");
        world.ingest(vec![world.invitation(organization, "Ada@example.org")]).await;
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 2);
        delete(&world, world.admin(), "ADA@example.org").await.expect("it gets mail again");
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        assert_eq!(world.sink.mails().len(), 3);
        world.notification.relay().drain().await;
        let audited = world.doubles.know(|known| known.audited.clone());
        let topics = ["notification.suppression_created", "notification.suppression_deleted"];
        assert!(topics.iter().all(|topic| audited.iter().filter(|one| one == topic).count() == 1), "{audited:?}");
    }

    async fn an_address_is_kept_once_and_by_those_alone_who_see_the_whole_installation(database) {
        let world = World::new(database).await;
        let request_id = RequestId::new(world.clock.now(), &world.entropy).to_string();
        let (admin, email) = (world.admin(), "Eve@example.com".to_owned());
        let request = CreateSuppressionRequest { request_id, email, detail: "asked by phone".to_owned() };
        let made = world.suppressions(admin.clone()).create_suppression(request.clone()).await.expect("made").into_inner();
        let again = world.suppressions(admin.clone()).create_suppression(request).await.expect("the same").into_inner();
        assert_eq!(made, again);
        let status = create(&world, admin.clone(), "eve@EXAMPLE.com").await.expect_err("there already");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "SUPPRESSION_EXISTS"));
        let status = delete(&world, admin.clone(), "ada@example.com").await.expect_err("not there");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "SUPPRESSION_NOT_FOUND"));
        let owner = world.owner(world.organization("Engines"));
        let refused = [
            create(&world, owner.clone(), "bob@example.com").await.expect_err("not for one organization"),
            delete(&world, owner.clone(), "eve@example.com").await.expect_err("not for one organization"),
            world.suppressions(owner).list_suppressions(ListSuppressionsRequest::default()).await.expect_err("nor this"),
        ];
        assert!(refused.iter().all(|status| reason(status) == "PERMISSION_MISSING"));
        let wrong = CreateSuppressionRequest { request_id: "7".to_owned(), email: "eve".to_owned(), detail: "a\nb".to_owned() };
        let status = world.suppressions(admin).create_suppression(wrong).await.expect_err("wrong");
        let fields: Vec<_> = status.get_details_bad_request().expect("BadRequest").field_violations.into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["request_id", "email", "detail"]);
        assert_eq!(list(&world).await.len(), 1);
    }

    async fn pages_hold_every_address_once_in_order(database) {
        let world = World::new(database).await;
        for name in ["b", "a_", "a-", "a", "B2", "z"] {
            create(&world, world.admin(), &format!("{name}@example.com")).await.expect("made");
        }
        let (admin, mut seen) = (world.admin(), Vec::new());
        let mut request = ListSuppressionsRequest { page_size: 2, ..Default::default() };
        loop {
            let page = world.suppressions(admin.clone()).list_suppressions(request.clone()).await.expect("a page").into_inner();
            seen.extend(page.suppressions.into_iter().map(|one| one.email.to_lowercase()));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.is_sorted(), "{seen:?}");
        "a@example.com".clone_into(&mut request.email);
        let status = world.suppressions(admin.clone()).list_suppressions(request).await.expect_err("of another list");
        assert_eq!(reason(&status), "REQUEST_INVALID");
        let only = ListSuppressionsRequest { email: "A@example.com".to_owned(), ..Default::default() };
        let found = world.suppressions(admin).list_suppressions(only).await.expect("listed").into_inner().suppressions;
        assert_eq!(found.len(), 1);
    }

    async fn an_erasure_takes_the_addresses_of_the_person_away(database) {
        let world = World::new(database).await;
        let ada = world.person("Ada");
        world.sink.script([Behaviour::RefuseRecipient]);
        send(&world, to(vec![user(ada)])).await.expect("accepted");
        world.drain().await;
        assert_eq!(list(&world).await.len(), 1);
        world.ingest(vec![crate::erased::erased(&world, ada)]).await;
        assert_eq!(world.count("suppressions").await, 0);
    }
}
