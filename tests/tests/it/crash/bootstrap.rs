//! Power cuts during the installation's one beginning.

use rolecall_api::identity::v1 as identity;
use rolecall_tests::actor::Actor;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack};
use tonic::Code;

use super::{all_members, all_organizations, all_users, events, wait_for_death};
use crate::world::{self, ADMIN};

/// Every step at which the server can be told to die.
const STEPS: [&str; 3] = ["bootstrap.after_claim", "bootstrap.after_organization", "bootstrap.after_commit"];

const OTHER_EMAIL: &str = "eve@home.example";
const OTHER_PASSWORD: &str = "another horse battery staple 7";

#[tokio::test]
async fn an_installation_begins_once_after_a_crash_at_any_step_of_its_bootstrap_on_sqlite() {
    bootstrap_crashes(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn an_installation_begins_once_after_a_crash_at_any_step_of_its_bootstrap_on_postgres() {
    bootstrap_crashes(world::ONE_POSTGRES).await;
}

async fn bootstrap_crashes(plan: Plan) {
    for step in STEPS {
        let mut stack = Stack::prepare(plan).await;
        stack.launch_all(Some(step)).await;
        let request = world::bootstrap_request(stack.setup_secret());
        let answer = call(&stack, &request).await;
        assert!(answer.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        println!("{step}");
        if step == "bootstrap.after_commit" {
            all_are_too_late(&stack, &request).await;
        } else {
            only_the_same_goes_on(&stack, &request).await;
        }
        there_is_one_administrator(&stack).await;
        all_are_too_late(&stack, &request).await;
        stack.kill();
        stack.revive().await;
        all_are_too_late(&stack, &request).await;
    }
}

async fn call(stack: &Stack, request: &identity::BootstrapRequest) -> Result<identity::User, tonic::Status> {
    let answer = Actor::anonymous(stack).instance().bootstrap(request.clone()).await?;
    Ok(answer.into_inner().user.expect("an account"))
}

/// The same secret with other content, whichever part is other.
fn others(request: &identity::BootstrapRequest) -> [identity::BootstrapRequest; 4] {
    [
        identity::BootstrapRequest { organization_name: "Elsewhere".to_owned(), ..request.clone() },
        identity::BootstrapRequest { mfa_policy: identity::MfaPolicy::Required.into(), ..request.clone() },
        identity::BootstrapRequest { email: OTHER_EMAIL.to_owned(), ..request.clone() },
        identity::BootstrapRequest {
            password: OTHER_PASSWORD.to_owned(),
            password_confirmation: OTHER_PASSWORD.to_owned(),
            ..request.clone()
        },
    ]
}

async fn only_the_same_goes_on(stack: &Stack, request: &identity::BootstrapRequest) {
    for other in others(request) {
        let refused = call(stack, &other).await;
        refusal::expect_reason(refused, Code::FailedPrecondition, "BOOTSTRAP_IN_PROGRESS");
    }
    let setup_secret = "rcs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let wrong = identity::BootstrapRequest { setup_secret, ..request.clone() };
    refusal::expect_reason(call(stack, &wrong).await, Code::PermissionDenied, "SETUP_SECRET_REFUSED");
    let user = call(stack, request).await.expect("the same secret with the same content goes on");
    assert_eq!(user.email, ADMIN);
    assert_eq!(user.roles, ["ADMIN", "OWNER"]);
}

async fn all_are_too_late(stack: &Stack, request: &identity::BootstrapRequest) {
    for late in others(request).iter().chain([request]) {
        let refused = call(stack, late).await;
        refusal::expect_reason(refused, Code::FailedPrecondition, "ALREADY_BOOTSTRAPPED");
    }
}

async fn there_is_one_administrator(stack: &Stack) {
    let info = Actor::anonymous(stack).instance().get_server_info(identity::GetServerInfoRequest {}).await.unwrap();
    assert!(info.into_inner().bootstrapped);
    let admin = Actor::log_in(stack, ADMIN).await.expect("the administrator logs in");
    let organizations = all_organizations(&admin).await;
    let organizations: Vec<_> = organizations.iter().map(|one| (one.name.as_str(), one.home)).collect();
    assert_eq!(organizations, [("Home", true)]);
    let users = all_users(&admin).await.unwrap();
    let users: Vec<_> = users.iter().map(|user| (&user.user_id, user.email.as_str())).collect();
    assert_eq!(users, [(&admin.id, ADMIN)]);
    let members = all_members(&admin).await.unwrap();
    let members: Vec<_> = members.iter().map(|member| (&member.user_id, member.roles.join(" "))).collect();
    assert_eq!(members, [(&admin.id, "ADMIN OWNER".to_owned())]);
    for topic in
        ["identity.instance_bootstrapped", "organization.organization_created", "organization.member_activated"]
    {
        let found = world::eventually(|| events(&admin, topic), |found| !found.is_empty()).await;
        assert_eq!(found.len(), 1, "{topic}");
    }
    for (email, password) in [(ADMIN, OTHER_PASSWORD), (OTHER_EMAIL, rolecall_tests::actor::PASSWORD)] {
        let refused = Actor::log_in_with(stack, email, password).await;
        refusal::expect_reason(refused, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    }
}
