//! The secrets of a single sign-on leave no trace, not even where everything is logged.

use rolecall_api::identity::v1::complete_sso_login_request::Returned;
use rolecall_tests::identity_provider::{Person, SECRET, Visitor};
use serde_json::json;

use super::Stage;
use crate::taint::{CHATTY, Secret, expect_no_trace};
use crate::world;

/// ASVS: V16.2.5, V10.1.1, V14.2.4
#[tokio::test]
async fn attack_t35_no_secret_of_a_provider_stands_in_a_log_or_in_a_database() {
    let stage = Stage::set_with(world::ONE_SQLITE, &[CHATTY]).await;
    let begun = stage.begin().await;
    let browser = Visitor::default();
    let page = browser.open(&browser.log_in(&begun.authorization_url, Person::named("ada")).await).await;
    let handle = rolecall_tests::html::parse(&page.html).only("pre").text();
    let ada = stage.finish(&begun.login_token, Returned::Handle(handle.clone())).await.expect("logged in");
    // What is refused is logged with its reason, and without what was wrong.
    stage.provider.tamper(json!({ "claims": { "nonce": "another" } })).await;
    assert_eq!(stage.refused(Person::named("ada")).await, "SSO_REFUSED");
    let seen = stage.provider.tell(json!({ "command": "seen" })).await;
    let issued = seen["secrets"].as_array().expect("secrets").iter();
    let mut secrets: Vec<Secret> =
        issued.map(|secret| ("of the provider", secret.as_str().expect("a text").to_owned())).collect();
    assert_eq!(secrets.len(), 6, "twice a code, an ID token and an access token");
    secrets.extend([
        ("client secret", SECRET.to_owned()),
        ("login token", begun.login_token),
        ("handle", handle),
        ("access token", ada.token().to_owned()),
        ("refresh token", ada.refresh_token()),
    ]);
    expect_no_trace(&stage.stack, &secrets);
}
