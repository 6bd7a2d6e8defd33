//! Who sees which deliveries.

use rolecall_api::notification::v1::{DeliveryState, GetDeliveryRequest, ListDeliveriesRequest};
use rolecall_authz::ScopeKind;
use rolecall_kernel::id::{DeliveryId, OrganizationId};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::{Behaviour, on_each_database};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::world::World;

fn list(organization_id: &str) -> ListDeliveriesRequest {
    ListDeliveriesRequest { organization_id: organization_id.to_owned(), ..Default::default() }
}

fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().expect("ErrorInfo").reason
}

on_each_database! {
    async fn an_owner_sees_its_own_organization_and_an_admin_all(database) {
        let world = World::new(database).await;
        let (ours, theirs) = (world.organization("Ours"), world.organization("Theirs"));
        world.ingest(vec![world.invitation(ours, "a@example.org"), world.invitation(theirs, "b@example.org")]).await;
        let listed = async |caller, organization: &str| {
            let answer = world.client(caller).list_deliveries(list(organization)).await;
            answer.map(|answer| answer.into_inner().deliveries)
        };
        for organization in ["", "-", &ours.to_string()] {
            let seen = listed(world.owner(ours), organization).await.expect("listed");
            assert_eq!(seen.iter().map(|one| one.organization_id.clone()).collect::<Vec<_>>(), [ours.to_string()]);
        }
        assert_eq!(listed(world.admin(), "-").await.expect("listed").len(), 2);
        assert_eq!(listed(world.admin(), &theirs.to_string()).await.expect("listed").len(), 1);
        let nowhere = OrganizationId::new(world.clock.now(), &world.entropy).to_string();
        let foreign = listed(world.owner(ours), &theirs.to_string()).await.expect_err("foreign");
        let missing = listed(world.owner(ours), &nowhere).await.expect_err("missing");
        assert_eq!((foreign.code(), foreign.message()), (missing.code(), missing.message()));
        assert_eq!((foreign.code(), reason(&foreign).as_str()), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
        assert_eq!(listed(world.admin(), &nowhere).await.expect_err("missing").code(), Code::NotFound);
        assert_eq!(listed(world.admin(), "").await.expect_err("none of its own").code(), Code::InvalidArgument);
        assert!(listed(world.caller_with(Some(ours), Vec::new()), "-").await.expect("nothing").is_empty());
    }

    /// ASVS: V8.2.2
    async fn attack_t33_a_foreign_delivery_is_not_there(database) {
        let world = World::new(database).await;
        let (ours, theirs) = (world.organization("Ours"), world.organization("Theirs"));
        world.ingest(vec![world.invitation(theirs, "b@example.org")]).await;
        let foreign = world.all().await[0].delivery_id.clone();
        let missing = DeliveryId::new(world.clock.now(), &world.entropy).to_string();
        let mut refusals = Vec::new();
        for delivery_id in [foreign.clone(), missing] {
            let request = GetDeliveryRequest { delivery_id: delivery_id.clone() };
            let status = world.client(world.owner(ours)).get_delivery(request).await.expect_err("not there");
            assert_eq!(reason(&status), "DELIVERY_NOT_FOUND");
            refusals.push((status.code(), status.message().replace(&delivery_id, "")));
        }
        assert_eq!(refusals[0], refusals[1]);
        let request = GetDeliveryRequest { delivery_id: foreign };
        assert!(world.client(world.owner(theirs)).get_delivery(request).await.is_ok());
    }

    async fn pages_hold_everything_once_and_newest_first(database) {
        let world = World::new(database).await;
        let organization = world.organization("Ours");
        for n in 0..7 {
            world.clock.advance(std::time::Duration::from_millis(5));
            world.ingest(vec![world.invitation(organization, &format!("p{n}@example.org"))]).await;
        }
        let caller = world.owner(organization);
        let (mut seen, mut request) = (Vec::new(), ListDeliveriesRequest { page_size: 3, ..list("") });
        loop {
            let page = world.client(caller.clone()).list_deliveries(request.clone()).await.expect("a page").into_inner();
            seen.extend(page.deliveries.into_iter().map(|one| one.delivery_id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let mut ordered = seen.clone();
        ordered.sort_by(|one, other| other.cmp(one));
        ordered.dedup();
        assert_eq!((seen.len(), &seen), (7, &ordered));
        let foreign = world.client(world.owner(organization)).list_deliveries(request).await.expect_err("not its token");
        assert_eq!(foreign.code(), Code::InvalidArgument);
    }

    async fn a_list_is_narrowed_by_state_and_recipient(database) {
        let world = World::new(database).await;
        let organization = world.organization("Ours");
        let (grace, ada, bob) = (world.person("Grace"), world.person("Ada"), world.person("Bob"));
        world.sink.script([Behaviour::RefuseRecipient]);
        world.ingest(vec![world.blocked(organization, grace, ada)]).await;
        world.drain().await;
        world.ingest(vec![world.blocked(organization, grace, bob)]).await;
        world.drain().await;
        let count = async |request| {
            world.client(world.owner(organization)).list_deliveries(request).await.expect("listed").into_inner().deliveries.len()
        };
        assert_eq!(count(ListDeliveriesRequest { state: DeliveryState::Parked.into(), ..list("") }).await, 1);
        assert_eq!(count(ListDeliveriesRequest { state: DeliveryState::Pending.into(), ..list("") }).await, 0);
        assert_eq!(count(ListDeliveriesRequest { recipient_id: bob.to_string(), ..list("-") }).await, 1);
        assert_eq!(count(ListDeliveriesRequest { recipient_id: grace.to_string(), ..list("") }).await, 0);
    }
}

#[tokio::test]
async fn all_violations_are_answered_at_once() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let request = ListDeliveriesRequest {
        organization_id: "Ours".to_owned(),
        state: 99,
        recipient_id: "me".to_owned(),
        page_size: -1,
        page_token: "nonsense".to_owned(),
    };
    let status = world.client(world.admin()).list_deliveries(request).await.expect_err("invalid");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "REQUEST_INVALID"));
    let fields = status.get_details_bad_request().expect("BadRequest").field_violations;
    let fields: Vec<_> = fields.into_iter().map(|one| one.field).collect();
    assert_eq!(fields, ["organization_id", "state", "recipient_id", "page_size", "page_token"]);
}

#[tokio::test]
async fn an_account_that_may_see_only_itself_sees_only_its_own_mails() {
    let world = World::new(rolecall_testkit::TestDatabase::sqlite().await).await;
    let (organization, grace, ada) = (world.organization("Ours"), world.person("Grace"), world.person("Ada"));
    world.ingest(vec![world.blocked(organization, grace, ada)]).await;
    let grants = vec![("notification.deliveries.list".to_owned(), ScopeKind::SelfOnly)];
    let answer = world.client(world.caller_with(Some(organization), grants)).list_deliveries(list("-")).await;
    assert!(answer.expect("listed").into_inner().deliveries.is_empty());
}
