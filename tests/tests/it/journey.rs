//! The main job, from an empty folder to a blocked and unblocked person, in every layout.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::instance_service_client::InstanceServiceClient;
use rolecall_api::notification::v1 as notification;
use rolecall_api::organization::v1 as organization;
use rolecall_api::organization::v1::AccessReason;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::refusal;
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tonic::Code;

use crate::world::{self, ADMIN, eventually};

const OWNER: &str = "olga@lab.example";
const PERSON: &str = "pat@lab.example";

#[tokio::test]
async fn the_journey_runs_in_one_process_on_sqlite_with_a_mail_folder() {
    journey(Plan { layout: Layout::One, store: Store::Sqlite, post: Post::Folder, hashing: Hashing::Weak }).await;
}

#[tokio::test]
async fn the_journey_runs_in_one_process_on_postgres_with_a_mail_server() {
    journey(Plan { layout: Layout::One, store: Store::Postgres, post: Post::Smtp, hashing: Hashing::Weak }).await;
}

#[tokio::test]
async fn the_journey_runs_in_three_processes_on_sqlite_with_a_mail_server() {
    journey(Plan { layout: Layout::Three, store: Store::Sqlite, post: Post::Smtp, hashing: Hashing::Weak }).await;
}

#[tokio::test]
async fn the_journey_runs_in_three_processes_on_postgres_with_a_mail_server() {
    journey(Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Smtp, hashing: Hashing::Weak }).await;
}

#[tokio::test]
async fn the_journey_runs_in_three_processes_that_encrypt_every_connection() {
    let plan = Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Weak };
    let stack = Stack::start_encrypted(plan).await;
    let address = stack.address("identity").replacen("https", "http", 1);
    let unencrypted = tonic::transport::Endpoint::from_shared(address).unwrap().connect_lazy();
    let call = InstanceServiceClient::new(unencrypted).get_server_info(identity::GetServerInfoRequest {}).await;
    // The alert of TLS is no answer that a client could read, so that its code depends on the client.
    assert!(call.is_err(), "somebody is served in the clear");
    walk(&stack).await;
}

async fn journey(plan: Plan) {
    walk(&Stack::start(plan).await).await;
}

async fn walk(stack: &Stack) {
    let admin = bootstrap_works_once(stack).await;
    let owner = owner_is_invited_and_accepts(stack, &admin).await;
    let person = person_is_invited_and_accepts(stack, &owner).await;
    person_may_what_the_table_says(&owner, &person).await;
    backend_is_told_why(stack, &admin, &person).await;
    changed_roles_are_obeyed_by_the_old_token(stack, &owner, &person).await;
    block_works_everywhere_and_is_lifted(stack, &owner, &person).await;
    every_step_is_in_the_audit_log(&admin, &owner, &person).await;
}

async fn bootstrap_works_once(stack: &Stack) -> Actor {
    let nobody = Actor::anonymous(stack);
    let wrong = world::bootstrap_request("rcs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let result = nobody.instance().bootstrap(wrong).await;
    refusal::expect_reason(result, Code::PermissionDenied, "SETUP_SECRET_REFUSED");

    let admin = world::bootstrap(stack).await;
    let again = nobody.instance().bootstrap(world::bootstrap_request(stack.setup_secret())).await;
    refusal::expect_reason(again, Code::FailedPrecondition, "ALREADY_BOOTSTRAPPED");

    let user = admin.account().get_account(identity::GetAccountRequest {}).await.unwrap().into_inner().user.unwrap();
    assert_eq!((user.email.as_str(), user.user_id.as_str()), (ADMIN, admin.id.as_str()));
    assert_eq!(user.roles, ["ADMIN", "OWNER"]);
    admin
}

async fn owner_is_invited_and_accepts(stack: &Stack, admin: &Actor) -> Actor {
    let request = world::create_organization_request("Lab", OWNER);
    let made = admin.organizations().create_organization(request.clone()).await.unwrap().into_inner();
    assert_eq!(made.organization.unwrap().name, "Lab");
    let again = admin.organizations().create_organization(request).await;
    refusal::expect_reason(again, Code::AlreadyExists, "ORGANIZATION_NAME_TAKEN");
    world::accept(stack, OWNER).await.expect("the owner accepts");
    Actor::log_in(stack, OWNER).await.expect("the owner logs in")
}

async fn person_is_invited_and_accepts(stack: &Stack, owner: &Actor) -> Actor {
    let request = world::create_user_request(PERSON, &["DATA_SCIENTIST", "DATA_STEWARD"]);
    let made = owner.users().create_user(request).await.unwrap().into_inner();
    assert_eq!(made.user.unwrap().state(), identity::UserState::Invited);

    let code = stack.mailbox.wait_for(PERSON, "nvit").await.code();
    let nobody = Actor::anonymous(stack);
    let look = identity::GetInvitationRequest { code: code.clone() };
    let invitation = nobody.registration().get_invitation(look.clone()).await.unwrap().into_inner();
    assert_eq!((invitation.organization_name.as_str(), invitation.inviter_name.as_str()), ("Lab", "Olga Owner"));
    assert_eq!((invitation.email.as_str(), invitation.name.as_str()), (PERSON, "Pat Person"));
    assert_eq!(invitation.roles, ["DATA_SCIENTIST", "DATA_STEWARD"]);
    assert!(invitation.expire_time.is_some());

    let early = Actor::log_in(stack, PERSON).await;
    refusal::expect_reason(early, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    let accepted = world::accept(stack, PERSON).await.expect("the person accepts");
    assert_eq!(accepted.state(), identity::UserState::Active);
    let used = nobody.registration().get_invitation(look).await;
    refusal::expect_reason(used, Code::NotFound, "INVITATION_NOT_FOUND");
    Actor::log_in(stack, PERSON).await.expect("the person logs in")
}

async fn person_may_what_the_table_says(owner: &Actor, person: &Actor) {
    let refused = person.users().create_user(world::create_user_request("x@lab.example", &["GUEST"])).await;
    let refused = refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_MISSING");
    assert!(refused.message.contains("identity.users.create"), "{}", refused.message);
    let refused = person.users().list_users(identity::ListUsersRequest::default()).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_MISSING");

    let own = person.users().get_user(identity::GetUserRequest { user_id: person.id.clone() }).await.unwrap();
    assert_eq!(own.into_inner().user.unwrap().email, PERSON);
    let foreign = person.users().get_user(identity::GetUserRequest { user_id: owner.id.clone() }).await;
    refusal::expect_reason(foreign, Code::NotFound, "USER_NOT_FOUND");

    let listed = owner.users().list_users(identity::ListUsersRequest::default()).await.unwrap().into_inner();
    let emails: Vec<&str> = listed.users.iter().map(|user| user.email.as_str()).collect();
    assert_eq!(emails, [OWNER, PERSON], "an owner sees its own organization and nothing else");
}

/// Asks whether the person may do something in an organization.
fn question(person: &Actor, permission: &str, organization_id: &str) -> organization::CheckAccessRequest {
    organization::CheckAccessRequest {
        subject_id: person.id.clone(),
        permission: permission.to_owned(),
        resource: Some(organization::Resource {
            resource: Some(organization::resource::Resource::OrganizationId(organization_id.to_owned())),
        }),
        consistency: None,
    }
}

async fn backend_is_told_why(stack: &Stack, admin: &Actor, person: &Actor) {
    let made = identity::CreateServiceAccountRequest {
        organization_id: "-".to_owned(),
        name: "Data platform".to_owned(),
        permissions: vec!["organization.access.check".to_owned()],
        ..Default::default()
    };
    let account = admin.service_accounts().create_service_account(made).await.unwrap().into_inner();
    let service_account_id = account.service_account.unwrap().service_account_id;
    let key = identity::CreateApiKeyRequest { service_account_id, ..Default::default() };
    let key = admin.service_accounts().create_api_key(key).await.unwrap().into_inner();
    let request = identity::ExchangeApiKeyRequest { api_key: key.secret, ..Default::default() };
    let token = Actor::anonymous(stack).authentication().exchange_api_key(request).await.unwrap().into_inner();
    let backend = Actor::bearer(stack, &token.access_token);

    let mine = person.access().get_my_access(organization::GetMyAccessRequest {}).await.unwrap().into_inner();
    let home = admin.access().get_my_access(organization::GetMyAccessRequest {}).await.unwrap().into_inner();
    for (permission, place, allowed, reason) in [
        ("organization.datasets.register", &mine.organization_id, true, AccessReason::RoleHoldsPermission),
        ("organization.asset_policies.create", &mine.organization_id, false, AccessReason::PermissionMissing),
        ("organization.datasets.register", &home.organization_id, false, AccessReason::NotAMember),
        ("organization.nonsense.do", &mine.organization_id, false, AccessReason::PermissionUnknown),
    ] {
        let answer = backend.access().check_access(question(person, permission, place)).await.unwrap().into_inner();
        assert_eq!((answer.allowed, answer.reason()), (allowed, reason), "{permission} in {place}");
    }
    let refused = backend.users().list_users(identity::ListUsersRequest::default()).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_MISSING");
}

async fn changed_roles_are_obeyed_by_the_old_token(stack: &Stack, owner: &Actor, person: &Actor) {
    let list = || async { person.users().list_users(identity::ListUsersRequest::default()).await };
    assert!(list().await.is_err());
    let change = |roles: &[&str]| organization::UpdateMemberRolesRequest {
        user_id: person.id.clone(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Default::default()
    };
    let changed = owner.members().update_member_roles(change(&["OWNER"])).await.unwrap().into_inner();
    assert_eq!(changed.member.unwrap().roles, ["OWNER"]);
    eventually(list, Result::is_ok).await.expect("the old token obeys the new roles");
    stack.mailbox.wait_for(PERSON, "roles").await;

    let own = change(&["GUEST"]);
    let own = person.members().update_member_roles(own).await;
    refusal::expect_reason(own, Code::FailedPrecondition, "SELF_REFUSED");
    owner.members().update_member_roles(change(&["DATA_SCIENTIST"])).await.unwrap();
    let refused = eventually(list, Result::is_err).await;
    refusal::expect_reason(refused, Code::PermissionDenied, "PERMISSION_MISSING");
}

async fn block_works_everywhere_and_is_lifted(stack: &Stack, owner: &Actor, person: &Actor) {
    let block = organization::BlockMemberRequest {
        user_id: person.id.clone(),
        reason: "lost laptop".to_owned(),
        ..Default::default()
    };
    let blocked = owner.members().block_member(block).await.unwrap().into_inner().member.unwrap();
    assert_eq!(blocked.block.unwrap().reason, "lost laptop");

    let account = || async { person.account().get_account(identity::GetAccountRequest {}).await };
    let access = || async { person.access().get_my_access(organization::GetMyAccessRequest {}).await };
    let inactive = ["SUBJECT_INACTIVE", "SESSION_ENDED"];
    let refused = refusal::expect(eventually(account, Result::is_err).await);
    assert!(inactive.contains(&refused.reason.as_str()), "{refused:?}");
    let refused = refusal::expect(eventually(access, Result::is_err).await);
    assert!(inactive.contains(&refused.reason.as_str()), "{refused:?}");
    // The caller holds no permission of notification, so the order of the refusals tells that it was recognised.
    let deliveries =
        || async { person.deliveries().list_deliveries(notification::ListDeliveriesRequest::default()).await };
    let refused =
        eventually(deliveries, |answer| answer.as_ref().is_err_and(|status| status.code() == Code::Unauthenticated));
    assert!(inactive.contains(&refusal::expect(refused.await).reason.as_str()));

    let refresh = identity::RefreshTokensRequest { refresh_token: person.refresh_token(), ..Default::default() };
    let refreshed = Actor::anonymous(stack).authentication().refresh_tokens(refresh.clone()).await;
    refusal::expect_reason(refreshed, Code::Unauthenticated, "REFRESH_TOKEN_REFUSED");
    refusal::expect_reason(Actor::log_in(stack, PERSON).await, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    stack.mailbox.wait_for(PERSON, "block").await;

    let unblock = organization::UnblockMemberRequest { user_id: person.id.clone(), ..Default::default() };
    let unblocked = owner.members().unblock_member(unblock).await.unwrap().into_inner();
    assert!(unblocked.member.unwrap().block.is_none());
    let back = eventually(|| Actor::log_in_with(stack, PERSON, PASSWORD), Result::is_ok).await;
    let back = back.expect("an unblocked person logs in");
    let works = || async { back.account().get_account(identity::GetAccountRequest {}).await };
    eventually(works, Result::is_ok).await.expect("an unblocked person works");
    stack.mailbox.wait_for(PERSON, "works again").await;
}

async fn every_step_is_in_the_audit_log(admin: &Actor, owner: &Actor, person: &Actor) {
    let expected = [
        "identity.user_invited",
        "identity.invitation_accepted",
        "identity.login_succeeded",
        "organization.member_added",
        "organization.member_activated",
        "organization.member_roles_changed",
        "organization.member_blocked",
        "organization.member_unblocked",
    ];
    let about = || async {
        let request = organization::ListAuditEventsRequest { target_id: person.id.clone(), ..Default::default() };
        owner.audit().list_audit_events(request).await.unwrap().into_inner().audit_events
    };
    let has_all = |events: &Vec<organization::AuditEvent>| {
        expected.iter().all(|topic| events.iter().any(|event| event.topic == *topic))
    };
    let events = eventually(about, has_all).await;
    let topics: Vec<&str> = events.iter().map(|event| event.topic.as_str()).collect();
    assert!(has_all(&events), "{topics:?}");
    let blocked = events.iter().find(|event| event.topic == "organization.member_blocked").unwrap();
    assert_eq!(blocked.actor_id, owner.id);

    let request = organization::ListAuditEventsRequest {
        organization_id: "-".to_owned(),
        topic: "identity.instance_bootstrapped".to_owned(),
        ..Default::default()
    };
    let founded = admin.audit().list_audit_events(request).await.unwrap().into_inner().audit_events;
    assert_eq!(founded.len(), 1);
    let foreign = organization::ListAuditEventsRequest {
        organization_id: founded[0].organization_id.clone(),
        ..Default::default()
    };
    if !foreign.organization_id.is_empty() {
        let refused = owner.audit().list_audit_events(foreign).await;
        refusal::expect_reason(refused, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    }
}
