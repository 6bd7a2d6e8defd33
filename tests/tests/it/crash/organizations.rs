//! Power cuts while an organization is made and its first owner invited.

use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack};
use tonic::Code;

use super::{admin_again, all_members, all_organizations, all_users, events, mails_to, wait_for_death};
use crate::world;

/// Every step at which the server can be told to die.
const STEPS: [&str; 2] = ["create_organization.after_local", "create_organization.after_invite"];

/// What happens after the restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The client repeats its request.
    Repeat,
    /// Nobody does anything.
    Wait,
}

#[tokio::test]
async fn an_organization_is_made_once_after_a_crash_at_any_step_on_sqlite() {
    create_organization_crashes(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn an_organization_is_made_once_after_a_crash_at_any_step_on_postgres() {
    create_organization_crashes(world::ONE_POSTGRES).await;
}

async fn create_organization_crashes(plan: Plan) {
    let mut stack = Stack::start(plan).await;
    world::bootstrap(&stack).await;
    let cases = STEPS.into_iter().flat_map(|step| [(step, Then::Repeat), (step, Then::Wait)]);
    for (index, (step, then)) in cases.enumerate() {
        println!("{step}, {then:?}");
        let request = organization::CreateOrganizationRequest {
            request_id: format!("0190a6e0-0000-7000-8000-00000000000{index}"),
            ..world::create_organization_request(&format!("Lab {index}"), &format!("o{index}@lab.example"))
        };
        stack.kill();
        stack.launch_all(Some(step)).await;
        let answer = create(&admin_again(&stack).await, &request).await;
        assert!(answer.is_err(), "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        let admin = admin_again(&stack).await;
        let made = match then {
            Then::Repeat => create(&admin, &request).await.expect("a repeat goes on").0,
            Then::Wait => world::eventually(|| find(&admin, &request.name), Option::is_some)
                .await
                .expect("what was begun is finished without anybody asking"),
        };
        a_further_repeat_changes_nothing(&admin, &request, &made).await;
        there_is_one_with_its_owner(&stack, &admin, &request, &made).await;
    }
}

/// Makes the organization; gives its id and its owner's.
async fn create(
    admin: &Actor,
    request: &organization::CreateOrganizationRequest,
) -> Result<(String, String), tonic::Status> {
    let answer = admin.organizations().create_organization(request.clone()).await?.into_inner();
    Ok((answer.organization.expect("an organization").organization_id, answer.first_owner_id))
}

/// Looks for the one organization of this name.
async fn find(admin: &Actor, name: &str) -> Option<String> {
    let mut found: Vec<_> = all_organizations(admin).await.into_iter().filter(|one| one.name == name).collect();
    assert!(found.len() < 2, "{found:?}");
    found.pop().map(|one| one.organization_id)
}

async fn a_further_repeat_changes_nothing(
    admin: &Actor,
    request: &organization::CreateOrganizationRequest,
    made: &str,
) {
    let (again, _) = create(admin, request).await.expect("a repeat is answered");
    assert_eq!(again, made);
    let other = organization::CreateOrganizationRequest { name: "Other".to_owned(), ..request.clone() };
    refusal::expect_reason(create(admin, &other).await, Code::InvalidArgument, "REQUEST_ID_REUSED");
    let unnamed = organization::CreateOrganizationRequest { request_id: String::new(), ..request.clone() };
    refusal::expect_reason(create(admin, &unnamed).await, Code::AlreadyExists, "ORGANIZATION_NAME_TAKEN");
}

async fn there_is_one_with_its_owner(
    stack: &Stack,
    admin: &Actor,
    request: &organization::CreateOrganizationRequest,
    made: &str,
) {
    assert_eq!(find(admin, &request.name).await.as_deref(), Some(made));
    let email = &request.first_owner.as_ref().unwrap().email;
    let users = all_users(admin).await.unwrap().into_iter().filter(|user| user.email == *email);
    let places: Vec<String> = users.map(|user| user.organization_id).collect();
    assert_eq!(places, [made]);

    world::accept(stack, email).await.expect("the owner accepts");
    let owner = Actor::log_in(stack, email).await.expect("the owner logs in");
    let own = organization::GetOrganizationRequest::default();
    let own = owner.organizations().get_organization(own).await.unwrap().into_inner().organization.unwrap();
    assert_eq!((own.organization_id.as_str(), &own.name), (made, &request.name));
    let members = all_members(admin).await.unwrap().into_iter().filter(|member| member.organization_id == made);
    let members: Vec<_> = members.map(|member| (member.user_id, member.roles.join(" "))).collect();
    assert_eq!(members, [(owner.id.clone(), "OWNER".to_owned())]);

    for topic in [
        "organization.organization_created",
        "identity.user_invited",
        "organization.member_added",
        "identity.invitation_accepted",
        "organization.member_activated",
    ] {
        let of_it = || async {
            let found = events(admin, topic).await.into_iter().filter(|event| event.organization_id == made);
            found.map(|event| event.target_id).collect::<Vec<_>>()
        };
        let targets = world::eventually(of_it, |found| !found.is_empty()).await;
        let target = if topic == "organization.organization_created" { "" } else { owner.id.as_str() };
        assert_eq!(targets, [target], "{topic}");
    }
    assert_eq!(mails_to(stack, email).len(), 1, "one invitation, however often its mail came");
}

/// Every step at which the server can be told to die while it deletes one; the last is after the answer.
const DELETE_STEPS: [&str; 3] =
    ["delete_organization.before_commit", "delete_organization.after_commit", "end_organization.after_user"];

#[tokio::test]
async fn a_deletion_of_an_organization_ends_every_account_after_a_crash_at_any_step_on_sqlite() {
    delete_organization_crashes(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn a_deletion_of_an_organization_ends_every_account_after_a_crash_at_any_step_on_postgres() {
    delete_organization_crashes(world::ONE_POSTGRES).await;
}

async fn delete_organization_crashes(plan: Plan) {
    let mut stack = Stack::start(plan).await;
    world::bootstrap(&stack).await;
    for (index, step) in DELETE_STEPS.into_iter().enumerate() {
        println!("{step}");
        let (name, email) = (format!("Lab {index}"), format!("o{index}@lab.example"));
        let admin = admin_again(&stack).await;
        let (id, owner) = world::organization_with_owner(&stack, &admin, &name, &email).await;
        world::member(&stack, &owner, &format!("m{index}@lab.example"), &["GUEST"]).await;
        let reason = "a test".to_owned();
        let suspend =
            organization::SuspendOrganizationRequest { organization_id: id.clone(), reason, ..Default::default() };
        admin.organizations().suspend_organization(suspend).await.expect("suspended");
        stack.kill();
        stack.launch_all(Some(step)).await;
        let request = organization::DeleteOrganizationRequest {
            request_id: format!("0190a6e0-0000-7000-8000-00000000000{index}"),
            organization_id: id.clone(),
            ..Default::default()
        };
        let answer = admin_again(&stack).await.organizations().delete_organization(request.clone()).await;
        assert!(answer.is_err() || step == "end_organization.after_user", "{step}: the server should have died");
        wait_for_death(&mut stack).await;
        stack.revive().await;
        let admin = admin_again(&stack).await;
        let again = admin.organizations().delete_organization(request).await;
        again.unwrap_or_else(|status| panic!("{step}: a repeat: {status:?}"));
        assert_eq!(find(&admin, &name).await, None, "{step}");
        let left = || async {
            let users = all_users(&admin).await.unwrap().into_iter();
            users.filter(|user| user.organization_id == id).count()
        };
        assert_eq!(world::eventually(left, |left| *left == 0).await, 0, "{step}");
        let login = Actor::log_in(&stack, &email).await;
        refusal::expect_reason(login, Code::Unauthenticated, "CREDENTIALS_REFUSED");
        let told = || async {
            let told = events(&admin, "organization.organization_deleted").await;
            told.iter().filter(|event| event.organization_id == id).count()
        };
        assert_eq!(world::eventually(told, |told| *told > 0).await, 1, "{step}");
    }
}
