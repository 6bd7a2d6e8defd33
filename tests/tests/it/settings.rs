//! The story of an organization that says how it is run, and of an installation that says who it is.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::refusal;
use rolecall_tests::stack::Stack;

use crate::world;

const OWNER: &str = "olga@lab.example";
const PERSON: &str = "pat@lab.example";

#[tokio::test]
async fn an_organization_says_how_it_is_run_on_sqlite() {
    tell(&Stack::start(world::ONE_SQLITE).await).await;
}

#[tokio::test]
async fn an_organization_says_how_it_is_run_on_postgres() {
    tell(&Stack::start(world::ONE_POSTGRES).await).await;
}

async fn tell(stack: &Stack) {
    let admin = world::bootstrap(stack).await;
    let (id, owner) = world::organization_with_owner(stack, &admin, "Lab", OWNER).await;
    assert!(directory(stack).await.is_empty());
    let settings = organization::OrganizationSettings {
        registration_mode: organization::RegistrationMode::SelfService.into(),
        password_policy: Some(organization::PasswordPolicy { min_characters: 40, require_three_classes: false }),
        ..Default::default()
    };
    update(&owner, settings).await;
    let found = directory(stack).await;
    assert_eq!((found[0].organization_id.as_str(), found[0].name.as_str()), (id.as_str(), "Lab"));
    passwords_are_as_long_as_the_organization_says(stack, &owner).await;
    second_factors_are_asked_for_from_the_next_login_on(stack, &owner).await;
    the_installation_says_who_it_is(stack, &admin).await;
}

async fn update(owner: &Actor, settings: organization::OrganizationSettings) {
    let request = organization::UpdateOrganizationSettingsRequest { settings: Some(settings), ..Default::default() };
    owner.organizations().update_organization_settings(request).await.expect("an owner may");
}

async fn directory(stack: &Stack) -> Vec<organization::DiscoverableOrganization> {
    let request = organization::ListDiscoverableOrganizationsRequest::default();
    let answer = Actor::anonymous(stack).organizations().list_discoverable_organizations(request).await;
    answer.expect("anyone may").into_inner().organizations
}

async fn passwords_are_as_long_as_the_organization_says(stack: &Stack, owner: &Actor) {
    owner.users().create_user(world::create_user_request(PERSON, &["GUEST"])).await.expect("an account");
    let code = stack.mailbox.wait_for(PERSON, "nvit").await.code();
    let shown = identity::GetInvitationRequest { code: code.clone() };
    let shown = Actor::anonymous(stack).registration().get_invitation(shown).await.expect("shown").into_inner();
    assert_eq!(shown.password_policy.expect("a policy").min_characters, 40);
    let short = world::accept_code(stack, code).await.expect_err("thirty characters");
    assert_eq!(refusal::of(&short).reason, "REQUEST_INVALID");
    assert!(short.message().contains("at least 40"), "{}", short.message());
    assert!(PASSWORD.len() < 40);
}

async fn second_factors_are_asked_for_from_the_next_login_on(stack: &Stack, owner: &Actor) {
    let required = organization::MfaPolicy::Required.into();
    update(owner, organization::OrganizationSettings { mfa_policy: required, ..Default::default() }).await;
    let request =
        identity::LogInRequest { email: OWNER.to_owned(), password: PASSWORD.to_owned(), ..Default::default() };
    let answer = Actor::anonymous(stack).authentication().log_in(request).await.expect("right").into_inner();
    let Some(Outcome::Challenge(challenge)) = answer.outcome else { panic!("a challenge") };
    assert_eq!(challenge.kind(), identity::ChallengeKind::EnrollFactor);
}

async fn the_installation_says_who_it_is(stack: &Stack, admin: &Actor) {
    let settings = identity::InstanceSettings { name: "Institute of Examples".to_owned(), ..Default::default() };
    let paths = ["name", "organization_directory"].map(str::to_owned).to_vec();
    let request = identity::UpdateSettingsRequest {
        settings: Some(settings),
        update_mask: Some(prost_types::FieldMask { paths }),
        ..Default::default()
    };
    admin.instance().update_settings(request).await.expect("an administrator may");
    let info = Actor::anonymous(stack).instance().get_server_info(identity::GetServerInfoRequest {}).await;
    let info = info.expect("anyone may").into_inner();
    assert_eq!((info.name.as_str(), info.organization_directory), ("Institute of Examples", false));
    assert!(directory(stack).await.is_empty());
}
