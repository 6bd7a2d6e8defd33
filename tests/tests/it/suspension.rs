//! Organizations that are suspended, resumed and deleted, as every process sees it.

use rolecall_api::identity::v1 as identity;
use rolecall_api::notification::v1 as notification;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tonic::{Code, Status};

use crate::world;

const THREE_POSTGRES: Plan =
    Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Weak };

/// ASVS: V7.4.2
#[tokio::test]
async fn attack_t11_a_suspension_holds_everywhere_in_one_process() {
    tell(Plan { post: Post::Folder, ..world::ONE_SQLITE }).await;
}

/// ASVS: V7.4.2
#[tokio::test]
async fn attack_t11_a_suspension_holds_everywhere_in_three_processes() {
    tell(THREE_POSTGRES).await;
}

async fn tell(plan: Plan) {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    let (acme, owner) = world::organization_with_owner(&stack, &admin, "Acme", "olga@acme.example").await;
    let member = world::member(&stack, &owner, "mia@acme.example", &["DATA_SCIENTIST"]).await;
    let person = Actor::log_in(&stack, "mia@acme.example").await.expect("logged in");
    assert_eq!(person.id, member.id);
    for organ in 0..3 {
        look(&owner, organ).await.expect("a right of an owner");
    }
    let request = organization::SuspendOrganizationRequest {
        organization_id: acme.clone(),
        reason: "the contract ended".to_owned(),
        ..Default::default()
    };
    let suspended = admin.organizations().suspend_organization(request).await.expect("suspended").into_inner();
    // Organization obeyed before it answered; the others hear of it.
    refusal::expect_reason(look(&owner, 0).await, Code::Unauthenticated, "SUBJECT_INACTIVE");
    for organ in 1..3 {
        let kept_out = |answer: &Result<(), Status>| answer.is_err();
        let answer = world::eventually(|| look(&owner, organ), kept_out).await;
        refusal::expect_reason(answer, Code::Unauthenticated, "SUBJECT_INACTIVE");
    }
    let login = Actor::log_in(&stack, "mia@acme.example").await;
    refusal::expect_reason(login, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    let invite = world::create_user_request("late@acme.example", &["GUEST"]);
    let invite = identity::CreateUserRequest { organization_id: acme.clone(), ..invite };
    let refused = admin.users().create_user(invite).await;
    refusal::expect_reason(refused, Code::FailedPrecondition, "ORGANIZATION_SUSPENDED");
    let mail = stack.mailbox.wait_for("olga@acme.example", "Acme is suspended").await;
    assert!(mail.text.contains("the contract ended"));
    let request = organization::ResumeOrganizationRequest { organization_id: acme.clone(), ..Default::default() };
    admin.organizations().resume_organization(request).await.expect("resumed");
    for organ in 0..3 {
        let answer = world::eventually(|| look(&owner, organ), Result::is_ok).await;
        answer.unwrap_or_else(|status| panic!("{organ}: {status:?}"));
    }
    Actor::log_in(&stack, "mia@acme.example").await.expect("logged in again");
    let revision = suspended.revision.parse::<i64>().expect("a number");
    assert!(revision > 0);
    it_is_deleted(&stack, &admin, &acme, &owner).await;
}

/// A call of each service that an owner may make.
async fn look(owner: &Actor, organ: u8) -> Result<(), Status> {
    match organ {
        0 => owner.members().list_members(organization::ListMembersRequest::default()).await.map(drop),
        1 => owner.users().list_users(identity::ListUsersRequest::default()).await.map(drop),
        _ => owner.deliveries().list_deliveries(notification::ListDeliveriesRequest::default()).await.map(drop),
    }
}

async fn it_is_deleted(stack: &Stack, admin: &Actor, acme: &str, owner: &Actor) {
    let (organization_id, reason) = (acme.to_owned(), "for good".to_owned());
    let request = organization::SuspendOrganizationRequest { organization_id, reason, ..Default::default() };
    admin.organizations().suspend_organization(request).await.expect("suspended");
    let request = organization::DeleteOrganizationRequest { organization_id: acme.to_owned(), ..Default::default() };
    admin.organizations().delete_organization(request).await.expect("deleted");
    let get = organization::GetOrganizationRequest { organization_id: acme.to_owned() };
    refusal::expect_reason(admin.organizations().get_organization(get).await, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    assert!(look(owner, 0).await.is_err());
    let gone = || async {
        let get = identity::GetUserRequest { user_id: owner.id.clone() };
        admin.users().get_user(get).await.map(drop)
    };
    let gone = world::eventually(gone, Result::is_err).await;
    refusal::expect_reason(gone, Code::NotFound, "USER_NOT_FOUND");
    let login = Actor::log_in(stack, "mia@acme.example").await;
    refusal::expect_reason(login, Code::Unauthenticated, "CREDENTIALS_REFUSED");
}
