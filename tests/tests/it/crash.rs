//! Power cuts at every step: what was acknowledged is there, what was not is whole or absent.

mod accounts;
mod bootstrap;
mod ledger;
mod organizations;
mod random;
mod registrations;

use std::collections::BTreeSet;
use std::time::Duration;

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::UserState;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::stack::{Plan, Stack};
use tonic::Status;

use crate::world::{self, ADMIN};

/// Every step at which the server can be told to die.
const CREATE_USER_STEPS: [&str; 6] = [
    "create_user.after_start",
    "add_member.after_commit",
    "create_user.after_add_member",
    "create_user.after_commit",
    "confirm_member.after_commit",
    "create_user.after_confirm",
];
const ACCEPT_STEPS: [&str; 4] =
    ["accept.after_claim", "activate_member.after_commit", "accept.after_activate", "accept.after_commit"];
const BLOCK_STEPS: [&str; 2] = ["block.before_commit", "block.after_commit"];

#[tokio::test]
async fn a_user_is_whole_or_absent_after_a_crash_at_any_step_of_its_creation_on_sqlite() {
    create_user_crashes(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn asvs_v2_3_3_a_user_is_whole_or_absent_after_a_crash_at_any_step_of_its_creation_on_postgres() {
    create_user_crashes(world::ONE_POSTGRES).await;
}

async fn create_user_crashes(plan: Plan) {
    let mut stack = Stack::start(plan).await;
    world::bootstrap(&stack).await;
    for (index, step) in CREATE_USER_STEPS.into_iter().enumerate() {
        let email = format!("c{index}@home.example");
        stack.kill();
        stack.launch_all(Some(step)).await;
        let admin = Actor::log_in(&stack, ADMIN).await.expect("the administrator logs in");
        let request = world::create_user_request(&email, &["GUEST"]);
        let answer = admin.users().create_user(request.clone()).await;
        assert!(answer.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        let admin = Actor::log_in(&stack, ADMIN).await.expect("the administrator logs in again");
        // Whichever way it went, a repeat ends with exactly one account, and its person can come in.
        match admin.users().create_user(request).await {
            Ok(_) => {}
            Err(status) => assert_eq!(status.code(), tonic::Code::AlreadyExists, "{step}: {status:?}"),
        }
        let whole = world::eventually(|| whole_users(&admin, &email), |found| *found == (1, 1)).await;
        assert_eq!(whole, (1, 1), "{step}");
        world::accept(&stack, &email).await.unwrap_or_else(|status| panic!("{step}: {status:?}"));
        Actor::log_in(&stack, &email).await.unwrap_or_else(|status| panic!("{step}: {status:?}"));
    }
    // A crash between the mail server's answer and its record may repeat a mail, but never as another mail.
    for step in 0..CREATE_USER_STEPS.len() {
        let to = format!("c{step}@home.example");
        assert_eq!(mails_to(&stack, &to).len(), 1, "{to}");
    }
}

#[tokio::test]
async fn asvs_v2_3_3_an_invitation_is_accepted_or_open_after_a_crash_at_any_step() {
    let mut stack = Stack::start(world::ONE_SQLITE).await;
    world::bootstrap(&stack).await;
    for (index, step) in ACCEPT_STEPS.into_iter().enumerate() {
        let email = format!("a{index}@home.example");
        admin_again(&stack).await.users().create_user(world::create_user_request(&email, &["GUEST"])).await.unwrap();
        stack.mailbox.wait_for(&email, "nvit").await;
        stack.kill();
        stack.launch_all(Some(step)).await;
        assert!(world::accept(&stack, &email).await.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        // Asking by logging in would be slowed down like guessing.
        let admin = admin_again(&stack).await;
        let state = world::eventually(|| state(&admin, &email), |state| *state == UserState::Active).await;
        assert_eq!(state, UserState::Active, "{step}: what was claimed is carried through");
        Actor::log_in(&stack, &email).await.unwrap_or_else(|status| panic!("{step}: {status:?}"));
    }
}

#[tokio::test]
async fn a_block_holds_or_left_no_trace_after_a_crash_at_any_step() {
    let mut stack = Stack::start(world::ONE_POSTGRES).await;
    world::bootstrap(&stack).await;
    for (index, step) in BLOCK_STEPS.into_iter().enumerate() {
        let email = format!("b{index}@home.example");
        let person = world::member(&stack, &admin_again(&stack).await, &email, &["GUEST"]).await;
        stack.kill();
        stack.launch_all(Some(step)).await;
        let request = organization::BlockMemberRequest {
            user_id: person.id.clone(),
            reason: "crash".to_owned(),
            ..Default::default()
        };
        let answer = admin_again(&stack).await.members().block_member(request).await;
        assert!(answer.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        let get = organization::GetMemberRequest { user_id: person.id.clone() };
        let member = admin_again(&stack).await.members().get_member(get).await.unwrap().into_inner().member.unwrap();
        let (is_blocked, may_log_in) = (member.block.is_some(), Actor::log_in(&stack, &email).await.is_ok());
        assert_eq!(is_blocked, !may_log_in, "{step}");
        assert_eq!(is_blocked, step == "block.after_commit", "{step}");
    }
}

async fn admin_again(stack: &Stack) -> Actor {
    Actor::log_in(stack, ADMIN).await.expect("the administrator logs in")
}

async fn wait_for_death(stack: &mut Stack) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !stack.has_casualty() {
        assert!(tokio::time::Instant::now() < deadline, "the server did not die");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The accounts of all organizations.
async fn all_users(admin: &Actor) -> Result<Vec<identity::User>, Status> {
    let request =
        identity::ListUsersRequest { organization_id: "-".to_owned(), page_size: 1_000, ..Default::default() };
    let answer = admin.users().list_users(request).await?.into_inner();
    assert_eq!(answer.next_page_token, "", "these stories stay within a page");
    Ok(answer.users)
}

/// The memberships of all organizations.
async fn all_members(admin: &Actor) -> Result<Vec<organization::Member>, Status> {
    let request =
        organization::ListMembersRequest { organization_id: "-".to_owned(), page_size: 1_000, ..Default::default() };
    let answer = admin.members().list_members(request).await?.into_inner();
    assert_eq!(answer.next_page_token, "", "these stories stay within a page");
    Ok(answer.members)
}

async fn all_organizations(admin: &Actor) -> Vec<organization::Organization> {
    let request = organization::ListOrganizationsRequest { page_size: 1_000, ..Default::default() };
    admin.organizations().list_organizations(request).await.unwrap().into_inner().organizations
}

/// The events of a topic in the audit log, of all organizations.
async fn events(admin: &Actor, topic: &str) -> Vec<organization::AuditEvent> {
    let request = organization::ListAuditEventsRequest {
        organization_id: "-".to_owned(),
        topic: topic.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    let answer = admin.audit().list_audit_events(request).await.unwrap().into_inner();
    assert_eq!(answer.next_page_token, "", "these stories stay within a page");
    answer.audit_events
}

/// The mails to an address, those that came again after a crash counted once.
fn mails_to(stack: &Stack, to: &str) -> BTreeSet<String> {
    stack.mailbox.mails().into_iter().filter(|mail| mail.to == to).map(|mail| mail.message_id).collect()
}

async fn state(admin: &Actor, email: &str) -> UserState {
    let users = all_users(admin).await.unwrap();
    users.iter().find(|user| user.email == email).map_or(UserState::Unspecified, identity::User::state)
}

/// How many accounts of this address there are, and how many memberships of those accounts.
async fn whole_users(admin: &Actor, email: &str) -> (usize, usize) {
    let users = all_users(admin).await.unwrap();
    let ids: Vec<&str> = users.iter().filter(|user| user.email == email).map(|user| user.user_id.as_str()).collect();
    let members = all_members(admin).await.unwrap();
    let memberships = members.iter().filter(|member| ids.contains(&member.user_id.as_str())).count();
    (ids.len(), memberships)
}
