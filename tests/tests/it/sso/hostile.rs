//! What a provider, or whoever sits in its place, may try. Each attempt is for somebody new, whom an honest answer would
//! make a member: so the list of people tells whether anything was left behind.

use rolecall_api::identity::v1 as identity;
use rolecall_tests::identity_provider::{IdentityProvider, Person, Visitor};
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack};
use serde_json::{Value, json};

use super::{OWNER, Stage, reason};
use crate::world;

const MALLORY: Person<'static> = Person::named("mallory");

async fn set(plan: Plan) -> Stage {
    let stage = Stage::set(plan).await;
    let claims = json!({ "email": "mallory@acme.example", "email_verified": true, "name": "Mallory" });
    stage.provider.know("mallory", claims).await;
    stage
}

async fn refuse_each(stage: &Stage, attempts: impl IntoIterator<Item = Value>, expected: &str) {
    for how in attempts {
        stage.provider.tamper(how.clone()).await;
        assert_eq!(stage.refused(MALLORY).await, expected, "{how}");
    }
    stage.provider.tamper(json!({})).await;
    assert_eq!(stage.people().await, [OWNER], "a refused login leaves nobody behind");
}

/// What is wrong with the answer in the browser, or with the ID token.
fn lies() -> Vec<Value> {
    let claims = [
        json!({ "aud": "somebody-else" }),
        json!({ "aud": ["rolecall-client", "somebody-else"] }),
        json!({ "azp": "somebody-else" }),
        json!({ "iss": "https://other.example" }),
        json!({ "nonce": "another" }),
        json!({ "nonce": null }),
        json!({ "exp": 1_767_225_600 }),
        json!({ "iat": 4_102_444_800_u64 }),
        json!({ "sub": "" }),
        json!({ "sub": null }),
    ];
    let signatures = ["none", "hs256", "secret", "foreign"];
    let answers = [
        json!({ "iss": "https://other.example" }),
        json!({ "iss": null }),
        json!({ "state": "another" }),
        json!({ "code": "made-up" }),
        json!({ "code": null }),
    ];
    let userinfo = [
        json!({ "sub": "ada" }),
        json!({ "email": "root@elsewhere.example" }),
        json!({ "email_verified": "true" }),
        json!({ "email_verified": 1 }),
        json!({ "email": "mallory@acme.example, ada@acme.example" }),
    ];
    let mut all: Vec<Value> = claims.into_iter().map(|claims| json!({ "claims": claims })).collect();
    all.extend(signatures.map(|signature| json!({ "signature": signature })));
    all.extend(answers.map(|answer| json!({ "answer": answer })));
    all.extend(userinfo.map(|userinfo| json!({ "merge": { "userinfo": userinfo } })));
    all
}

/// ASVS: V6.8.2, V10.5.1, V10.5.3, V10.5.4, V10.2.2, V10.1.2
#[tokio::test]
async fn attack_t14_what_a_provider_says_wrong_is_refused_and_leaves_nothing_on_sqlite() {
    refuse_lies(world::ONE_SQLITE).await;
}

/// ASVS: V6.8.2, V10.5.1, V10.5.3, V10.5.4, V10.2.2, V10.1.2
#[tokio::test]
async fn attack_t14_what_a_provider_says_wrong_is_refused_and_leaves_nothing_on_postgres() {
    refuse_lies(world::ONE_POSTGRES).await;
}

async fn refuse_lies(plan: Plan) {
    let stage = set(plan).await;
    refuse_each(&stage, lies(), "SSO_REFUSED").await;
    stage.log_in(MALLORY).await.expect("the same without a lie");
}

/// ASVS: V10.1.2
#[tokio::test]
async fn attack_t14_a_code_a_state_and_a_token_of_another_login_serve_nobody() {
    let stage = set(world::ONE_SQLITE).await;
    let (mine, theirs) = (stage.begin().await, stage.begin().await);
    let browser = Visitor::default();
    let my_answer = browser.log_in(&mine.authorization_url, MALLORY).await;
    let their_answer = Visitor::default().log_in(&theirs.authorization_url, Person::named("ada")).await;
    // Their code in my answer: PKCE and nonce are of another login. Each attempt uses a login up.
    let code = |url: &url::Url| url.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let injected = their_answer.as_str().replace(&code(&their_answer), &code(&my_answer));
    let injected = injected.parse().expect("an address");
    assert_eq!(reason(&stage.complete(&theirs.login_token, &injected).await.expect_err("injected")), "SSO_REFUSED");
    for answer in [&their_answer, &my_answer] {
        assert_eq!(reason(&stage.complete(&mine.login_token, answer).await.expect_err("mixed up")), "SSO_REFUSED");
    }
    assert_eq!(stage.people().await, [OWNER]);
    let used = stage.begin().await;
    let answer = Visitor::default().log_in(&used.authorization_url, MALLORY).await;
    stage.complete(&used.login_token, &answer).await.expect("logged in");
    let later = stage.begin().await;
    for token in [&used.login_token, &later.login_token] {
        assert_eq!(reason(&stage.complete(token, &answer).await.expect_err("replayed")), "SSO_REFUSED");
    }
}

/// ASVS: T14, V1.3.6
#[tokio::test]
async fn attack_t27_a_provider_leads_nowhere_and_cannot_hold_anybody_up() {
    let stage = set(world::ONE_SQLITE).await;
    let trap = format!("{}/trap", stage.provider.issuer);
    let refused = [
        json!({ "redirect": { "token": trap } }),
        json!({ "redirect": { "userinfo": trap } }),
        json!({ "endless": { "userinfo": 0 } }),
    ];
    refuse_each(&stage, refused, "SSO_REFUSED").await;
    // Without an end: at once, and drop by drop until the call has waited long enough.
    refuse_each(&stage, [json!({ "endless": { "token": 0 } })], "PROVIDER_UNUSABLE").await;
    refuse_each(&stage, [json!({ "endless": { "token": 200 } })], "DEADLINE_EXCEEDED").await;
    for how in [
        json!({ "redirect": { "discovery": trap } }),
        json!({ "redirect": { "jwks": trap } }),
        json!({ "endless": { "discovery": 0 } }),
        json!({ "endless": { "jwks": 0 } }),
        json!({ "keys": true }),
        json!({ "merge": { "discovery": { "issuer": "https://other.example" } } }),
        json!({ "merge": { "discovery": { "jwks_uri": "http://169.254.169.254/latest/meta-data" } } }),
        json!({ "merge": { "discovery": { "authorization_endpoint": "https://10.0.0.1/authorize" } } }),
    ] {
        stage.provider.tamper(how.clone()).await;
        assert_eq!(reason(&stage.look().await.expect_err("unusable")), "PROVIDER_UNUSABLE", "{how}");
    }
    for endpoint in ["https://10.0.0.1/token", "http://169.254.169.254/token", "https://[::1]:22/token"] {
        let how = json!({ "merge": { "discovery": { "token_endpoint": endpoint } } });
        stage.provider.tamper(how).await;
        stage.look().await.expect("nothing is fetched there yet");
        assert_eq!(stage.refused(MALLORY).await, "PROVIDER_UNUSABLE", "{endpoint}");
    }
    stage.provider.tamper(json!({})).await;
    let seen = stage.provider.tell(json!({ "command": "seen" })).await;
    let requests = seen["requests"].as_array().expect("requests");
    assert!(!requests.iter().any(|request| request.as_str().is_some_and(|text| text.contains("/trap"))), "{seen}");
    assert_eq!(stage.people().await, [OWNER]);
    stage.look().await.expect("honest again");
    stage.log_in(MALLORY).await.expect("logged in");
}

/// ASVS: V1.3.6
#[tokio::test]
async fn attack_t27_a_provider_on_loopback_is_never_spoken_to_unless_the_operator_opened_that() {
    let (stack, provider) = (Stack::start(world::ONE_SQLITE).await, IdentityProvider::start().await);
    let admin = world::bootstrap(&stack).await;
    let (_, owner) = world::organization_with_owner(&stack, &admin, "Acme", OWNER).await;
    let wanted = identity::IdentityProvider {
        display_name: "Inside".to_owned(),
        issuer: provider.issuer.clone(),
        client_id: "rolecall-client".to_owned(),
        ..Default::default()
    };
    let request = identity::CreateIdentityProviderRequest { identity_provider: Some(wanted), ..Default::default() };
    let refused = owner.providers().create_identity_provider(request).await.expect_err("closed");
    assert_eq!(refusal::of(&refused).fields, ["identity_provider.issuer"]);
    let seen = provider.tell(json!({ "command": "seen" })).await;
    assert_eq!(seen["requests"], json!([]));
}
