//! Parked deliveries are taken up again: all that are named, or none.

use rolecall_api::notification::v1::{DeliveryState, RetryDeliveriesRequest};
use rolecall_kernel::id::RequestId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{Behaviour, on_each_database};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::world::World;

fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().expect("ErrorInfo").reason
}

/// Two parked notices of an organization.
async fn parked(world: &World) -> (rolecall_kernel::id::OrganizationId, Vec<String>) {
    let organization = world.organization("Ours");
    let (grace, ada, bob) = (world.person("Grace"), world.person("Ada"), world.person("Bob"));
    world.sink.script([Behaviour::RefuseRecipient, Behaviour::RefuseRecipient]);
    world.ingest(vec![world.blocked(organization, grace, ada), world.blocked(organization, grace, bob)]).await;
    assert_eq!(world.drain().await, 2);
    (organization, world.all().await.into_iter().map(|one| one.delivery_id).collect())
}

on_each_database! {
    async fn parked_mails_are_sent_again_at_once(database) {
        let world = World::new(database).await;
        let (organization, delivery_ids) = parked(&world).await;
        let request = RetryDeliveriesRequest { delivery_ids: delivery_ids.clone(), ..Default::default() };
        let answer = world.client(world.owner(organization)).retry_deliveries(request.clone()).await.expect("taken up");
        let deliveries = answer.into_inner().deliveries;
        assert_eq!(deliveries.iter().map(|one| one.delivery_id.clone()).collect::<Vec<_>>(), delivery_ids);
        assert!(deliveries.iter().all(|one| one.state() == DeliveryState::Pending && one.next_attempt_time.is_some()));
        assert_eq!(world.drain().await, 2);
        assert_eq!(world.sink.mails().len(), 2);
        let status = world.client(world.owner(organization)).retry_deliveries(request).await.expect_err("sent");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "DELIVERY_NOT_PARKED"));
        world.notification.relay().drain().await;
        let mut audited = world.doubles.know(|known| known.audited.clone());
        audited.sort();
        let told = ["delivery_parked", "delivery_retried", "suppression_created"].map(|what| format!("notification.{what}"));
        assert_eq!(audited, told.iter().flat_map(|what| [what.clone(), what.clone()]).collect::<Vec<_>>());
    }

    async fn one_that_cannot_be_taken_up_leaves_all_as_they_are(database) {
        let world = World::new(database).await;
        let (organization, mut delivery_ids) = parked(&world).await;
        let foreign = world.organization("Theirs");
        world.clock.advance(std::time::Duration::from_secs(1));
        world.sink.script([Behaviour::RefuseRecipient]);
        world.ingest(vec![world.invitation(foreign, "bob@example.org")]).await;
        world.drain().await;
        delivery_ids.push(world.all().await[0].delivery_id.clone());
        let request = RetryDeliveriesRequest { delivery_ids, ..Default::default() };
        let status = world.client(world.owner(organization)).retry_deliveries(request.clone()).await.expect_err("foreign");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "DELIVERY_NOT_FOUND"));
        let status = world.client(world.admin()).retry_deliveries(request).await.expect_err("its secret is gone");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "DELIVERY_SECRET_GONE"));
        assert!(world.all().await.iter().all(|one| one.state() == DeliveryState::Parked));
        assert_eq!(world.drain().await, 0);
    }

    async fn a_repeated_request_changes_nothing_and_answers_the_same_deliveries(database) {
        let world = World::new(database).await;
        let (organization, delivery_ids) = parked(&world).await;
        let request_id = RequestId::new(world.clock.now(), &world.entropy).to_string();
        let request = RetryDeliveriesRequest { request_id: request_id.clone(), delivery_ids: delivery_ids.clone() };
        let owner = world.owner(organization);
        let (mut one, mut two) = (world.client(owner.clone()), world.client(owner.clone()));
        let (one, two) = tokio::join!(one.retry_deliveries(request.clone()), two.retry_deliveries(request.clone()));
        assert_eq!(one.expect("taken up").into_inner(), two.expect("the same").into_inner());
        assert_eq!(world.drain().await, 2);
        let again = world.client(owner.clone()).retry_deliveries(request).await.expect("the same").into_inner();
        assert_eq!(again.deliveries.len(), 2);
        assert_eq!(world.drain().await, 0);
        let other = RetryDeliveriesRequest { request_id, delivery_ids: delivery_ids[..1].to_vec() };
        let status = world.client(owner).retry_deliveries(other).await.expect_err("other content");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
    }
}

#[tokio::test]
async fn a_request_names_one_to_a_hundred_deliveries() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    for (delivery_ids, fields) in [
        (Vec::new(), vec!["request_id", "delivery_ids"]),
        (vec!["x".to_owned()], vec!["request_id", "delivery_ids[0]"]),
    ] {
        let request = RetryDeliveriesRequest { request_id: "7".to_owned(), delivery_ids };
        let status = world.client(world.admin()).retry_deliveries(request).await.expect_err("invalid");
        let found = status.get_details_bad_request().expect("BadRequest").field_violations;
        assert_eq!(found.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), fields);
    }
}
