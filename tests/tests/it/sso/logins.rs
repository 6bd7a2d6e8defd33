//! Honest logins at a real provider.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::begin_sso_login_request::Provider as Where;
use rolecall_api::identity::v1::complete_sso_login_request::Returned;
use rolecall_tests::identity_provider::{Person, Visitor};
use rolecall_tests::stack::Plan;
use serde_json::json;
use tokio::time::{Duration, Instant};
use url::Url;

use super::{OWNER, Stage, reason, whoami};
use crate::world;

const ADA: Person<'static> = Person::named("ada");

#[tokio::test]
async fn people_log_in_at_a_real_provider_on_sqlite() {
    tell(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn people_log_in_at_a_real_provider_on_postgres() {
    tell(world::ONE_POSTGRES).await;
}

async fn tell(plan: Plan) {
    let stage = Stage::set(plan).await;
    let looked = stage.look().await.expect("it answers");
    assert!(looked.issuer_in_answers && looked.key_count == 3, "{looked:?}");
    nobody_comes_in_by_an_address_that_proves_nothing(&stage).await;
    a_stranger_becomes_a_guest_and_is_known_by_its_subject(&stage).await;
    the_browser_carries_a_handle_to_the_program(&stage).await;
    roles_follow_a_claim(&stage).await;
    the_strength_of_the_proof_is_asked_for_and_looked_at(&stage).await;
    who_proves_anew_who_it_is_may_what_takes_that(&stage).await;
}

async fn nobody_comes_in_by_an_address_that_proves_nothing(stage: &Stage) {
    for (login, claims) in [
        ("unverified", json!({ "email": "uma@acme.example", "email_verified": false })),
        ("silent", json!({ "email": "sam@acme.example" })),
        ("foreign", json!({ "email": "flo@elsewhere.example", "email_verified": true })),
        ("without", json!({ "name": "Walt" })),
    ] {
        stage.provider.know(login, claims).await;
        assert_eq!(stage.refused(Person::named(login)).await, "SSO_REFUSED", "{login}");
    }
    assert_eq!(stage.refused(Person::named("nobody")).await, "SSO_REFUSED", "whom the provider refuses itself");
    assert_eq!(stage.people().await, [OWNER]);
}

async fn a_stranger_becomes_a_guest_and_is_known_by_its_subject(stage: &Stage) {
    let email = Some(Where::Email("ada@acme.example".to_owned()));
    let request = identity::BeginSsoLoginRequest { provider: email, ..Default::default() };
    let begun = stage.begin_with(request).await.expect("begun");
    let sent_to = Url::parse(&begun.authorization_url).expect("an address");
    let asked = |name| sent_to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(asked("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(asked("login_hint").as_deref(), Some("ada@acme.example"));
    assert!(asked("state") != asked("nonce") && asked("state").is_some() && asked("nonce").is_some());
    let browser = Visitor::default();
    let callback = browser.log_in(&begun.authorization_url, ADA).await;
    assert!(callback.as_str().starts_with(&stage.connected.redirect_uri), "{callback}");
    let ada = stage.complete(&begun.login_token, &callback).await.expect("logged in");
    let user = whoami(&ada).await;
    assert_eq!((user.email.as_str(), user.name.as_str()), ("ada@acme.example", "Ada Lovelace"));
    assert!(user.email_verified && user.roles == ["GUEST"], "{user:?}");
    // The browser is still logged in at the provider, which says another address now.
    let renamed = json!({ "email": "countess@acme.example", "email_verified": true, "name": "Ada King" });
    stage.provider.know("ada", renamed).await;
    let again = stage.begin().await;
    let callback = browser.open(&Url::parse(&again.authorization_url).expect("an address")).await.location;
    let again = stage.complete(&again.login_token, &callback.expect("sent back at once")).await.expect("logged in");
    assert_eq!((&again.id, whoami(&again).await.email.as_str()), (&ada.id, "ada@acme.example"));
    assert_eq!(stage.people().await, [OWNER, "ada@acme.example"]);
}

async fn the_browser_carries_a_handle_to_the_program(stage: &Stage) {
    let request = identity::BeginSsoLoginRequest {
        provider: Some(Where::IdentityProviderId(stage.connected.identity_provider_id.clone())),
        return_url: "http://127.0.0.1:4711/done".to_owned(),
        ..Default::default()
    };
    let begun = stage.begin_with(request).await.expect("begun");
    let browser = Visitor::default();
    let callback = browser.log_in(&begun.authorization_url, ADA).await;
    let sent_to = browser.open(&callback).await.location.expect("sent to the program");
    let handle = sent_to.query_pairs().find(|(key, _)| key == "handle").expect("a handle").1.into_owned();
    assert_eq!(&sent_to[..url::Position::AfterPath], "http://127.0.0.1:4711/done");
    stage.finish(&begun.login_token, Returned::Handle(handle.clone())).await.expect("logged in");
    let used = stage.finish(&begun.login_token, Returned::Handle(handle)).await.expect_err("used");
    assert_eq!(reason(&used), "SSO_REFUSED");
}

async fn roles_follow_a_claim(stage: &Stage) {
    let mapping = |value: &str, role: &str| identity::RoleMapping { value: value.to_owned(), role: role.to_owned() };
    let wanted = identity::IdentityProvider {
        role_source: identity::RoleSource::Claims.into(),
        role_claim: "groups".to_owned(),
        role_mappings: vec![mapping("science", "DATA_SCIENTIST"), mapping("data", "DATA_STEWARD")],
        scopes: ["email", "profile", "groups"].map(str::to_owned).to_vec(),
        ..Default::default()
    };
    stage.change(wanted, &["role_source", "role_claim", "role_mappings", "scopes"]).await;
    for (groups, roles) in [
        (json!(["science", "chess"]), "DATA_SCIENTIST"),
        (json!("data"), "DATA_STEWARD"),
        (json!(["OWNER", "ADMIN"]), "GUEST"),
    ] {
        let claims = json!({ "email": "ada@acme.example", "email_verified": true, "groups": groups });
        stage.provider.know("ada", claims).await;
        let ada = stage.log_in(ADA).await.expect("logged in");
        assert_eq!(whoami(&ada).await.roles, [roles], "{groups}");
    }
}

async fn the_strength_of_the_proof_is_asked_for_and_looked_at(stage: &Stage) {
    let strict = identity::IdentityProvider {
        required_acr_values: vec!["gold".to_owned()],
        required_amr_values: vec!["otp".to_owned()],
        ..Default::default()
    };
    let paths = ["required_acr_values", "required_amr_values"];
    stage.change(strict, &paths).await;
    let begun = stage.begin().await;
    assert!(begun.authorization_url.contains("acr_values=gold"), "{}", begun.authorization_url);
    for (acr, amr) in [("", ""), ("tin", "pwd otp"), ("gold", "pwd"), ("gold", "")] {
        assert_eq!(stage.refused(Person { login: "ada", acr, amr }).await, "SSO_REFUSED", "{acr} {amr}");
    }
    let strong = Person { login: "ada", acr: "gold", amr: "pwd otp mfa" };
    stage.log_in(strong).await.expect("strong enough");
    stage.change(identity::IdentityProvider::default(), &paths).await;
}

async fn who_proves_anew_who_it_is_may_what_takes_that(stage: &Stage) {
    let email = Some(Where::Email("ada@acme.example".to_owned()));
    let request = identity::BeginSsoLoginRequest { provider: email, fresh: true, ..Default::default() };
    let begun = stage.begin_with(request).await.expect("begun");
    assert!(begun.authorization_url.contains("prompt=login") && begun.authorization_url.contains("max_age=0"));
    let callback = Visitor::default().log_in(&begun.authorization_url, ADA).await;
    let ada = stage.complete(&begun.login_token, &callback).await.expect("logged in");
    let links = ada.account().list_linked_identities(identity::ListLinkedIdentitiesRequest {}).await.expect("listed");
    let linked_identity_id = links.into_inner().linked_identities[0].linked_identity_id.clone();
    let request = identity::UnlinkIdentityRequest { linked_identity_id, ..Default::default() };
    let refused = ada.account().unlink_identity(request).await.expect_err("nothing else opens the account");
    assert_eq!(reason(&refused), "LAST_CREDENTIAL", "the step-up was enough to be told that");
}

/// ASVS: V11.2.2
#[tokio::test]
async fn people_go_on_logging_in_after_the_provider_replaced_its_keys() {
    let stage = Stage::set(world::ONE_SQLITE).await;
    let before = stage.log_in(ADA).await.expect("logged in");
    stage.provider.tell(json!({ "command": "rotate" })).await;
    // What the provider says of itself is fetched again once an unknown key signs, at most twice a minute.
    let deadline = Instant::now() + Duration::from_mins(2);
    let after = loop {
        match stage.log_in(ADA).await {
            Ok(after) => break after,
            Err(refused) => assert_eq!(reason(&refused), "SSO_REFUSED"),
        }
        assert!(Instant::now() < deadline, "the new keys are never fetched");
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    assert_eq!(after.id, before.id);
}
