//! Power cuts while an account is made that is active at once, and while one is deleted.

use rolecall_api::identity::v1 as identity;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack};

use super::{admin_again, all_members, events, wait_for_death, whole_users};
use crate::world;

/// Every step at which the server can be told to die while it makes an account.
const CREATE_STEPS: [&str; 7] = [
    "create_user.after_start",
    "add_member.after_commit",
    "create_user.after_add_member",
    "create_user.after_commit",
    "confirm_member.after_commit",
    "create_user.after_confirm",
    "activate_member.after_commit",
];

/// Every step at which the server can be told to die while it deletes one.
const DELETE_STEPS: [&str; 4] =
    ["delete_user.after_start", "end_member.after_commit", "delete_user.after_end_member", "delete_user.after_commit"];

#[tokio::test]
async fn an_account_with_a_password_is_whole_or_absent_after_a_crash_at_any_step_on_sqlite() {
    create_crashes(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn an_account_with_a_password_is_whole_or_absent_after_a_crash_at_any_step_on_postgres() {
    create_crashes(world::ONE_POSTGRES).await;
}

#[tokio::test]
async fn a_deletion_is_carried_through_after_a_crash_at_any_step_on_sqlite() {
    delete_crashes(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn a_deletion_is_carried_through_after_a_crash_at_any_step_on_postgres() {
    delete_crashes(world::ONE_POSTGRES).await;
}

fn with_password(email: &str) -> identity::CreateUserRequest {
    let initial = identity::InitialPassword {
        password: PASSWORD.to_owned(),
        change: identity::PasswordChange::Advised.into(),
        ..Default::default()
    };
    identity::CreateUserRequest {
        credential: Some(identity::create_user_request::Credential::InitialPassword(initial)),
        ..world::create_user_request(email, &["GUEST"])
    }
}

async fn create_crashes(plan: Plan) {
    let mut stack = Stack::start(plan).await;
    world::bootstrap(&stack).await;
    for (index, step) in CREATE_STEPS.into_iter().enumerate() {
        println!("{step}");
        let request = identity::CreateUserRequest {
            request_id: format!("0190a6e0-0000-7000-8000-00000000000{index}"),
            ..with_password(&format!("c{index}@home.example"))
        };
        stack.kill();
        stack.launch_all(Some(step)).await;
        let answer = admin_again(&stack).await.users().create_user(request.clone()).await;
        assert!(answer.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        // Whichever way it went, a repeat ends with exactly one account that its person can use.
        let admin = admin_again(&stack).await;
        let user = admin.users().create_user(request.clone()).await;
        let user = user.unwrap_or_else(|status| panic!("{step}: {status:?}")).into_inner().user.unwrap();
        let whole = world::eventually(|| whole_users(&admin, &request.email), |found| *found == (1, 1)).await;
        assert_eq!(whole, (1, 1), "{step}");
        let person = Actor::log_in(&stack, &request.email).await.unwrap_or_else(|status| panic!("{step}: {status:?}"));
        assert_eq!(person.id, user.user_id, "{step}");
    }
}

async fn delete_crashes(plan: Plan) {
    let mut stack = Stack::start(plan).await;
    world::bootstrap(&stack).await;
    for (index, step) in DELETE_STEPS.into_iter().enumerate() {
        println!("{step}");
        let email = format!("d{index}@home.example");
        let made = admin_again(&stack).await.users().create_user(with_password(&email)).await;
        let user = made.unwrap().into_inner().user.unwrap();
        let person = Actor::log_in(&stack, &email).await.unwrap();
        stack.kill();
        stack.launch_all(Some(step)).await;
        let request = identity::DeleteUserRequest {
            request_id: format!("0190a6e0-0000-7000-8000-00000000000{index}"),
            user_id: user.user_id.clone(),
            ..Default::default()
        };
        let answer = admin_again(&stack).await.users().delete_user(request.clone()).await;
        assert!(answer.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        // What was begun is finished without anybody asking.
        let admin = admin_again(&stack).await;
        let whole = world::eventually(|| whole_users(&admin, &email), |found| *found == (0, 0)).await;
        assert_eq!(whole, (0, 0), "{step}");
        let members = all_members(&admin).await.unwrap();
        assert!(members.iter().all(|member| member.user_id != user.user_id), "{step}");
        admin.users().delete_user(request).await.unwrap_or_else(|status| panic!("{step}: a repeat: {status:?}"));
        assert!(person.account().get_account(identity::GetAccountRequest {}).await.is_err(), "{step}");
        let login = Actor::log_in(&stack, &email).await;
        refusal::expect_reason(login, tonic::Code::Unauthenticated, "CREDENTIALS_REFUSED");
        let told = world::eventually(|| ended(&admin, &user.user_id), |told| *told == (1, 1)).await;
        assert_eq!(told, (1, 1), "{step}: told once by each side");
    }
}

/// How often the audit log tells of the end of an account, by organization and by identity.
async fn ended(admin: &Actor, user_id: &str) -> (usize, usize) {
    let count = |events: Vec<rolecall_api::organization::v1::AuditEvent>| {
        events.iter().filter(|event| event.target_id == user_id).count()
    };
    let removed = count(events(admin, "organization.member_removed").await);
    (removed, count(events(admin, "identity.user_deleted").await))
}
