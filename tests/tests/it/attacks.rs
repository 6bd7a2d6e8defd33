//! What happened to others, tried over the wire.

use bytes::Bytes;
use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::account_service_client::AccountServiceClient;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::mail::Mail;
use rolecall_tests::raw;
use rolecall_tests::refusal;
use rolecall_tests::stack::{SERVICES, Stack};
use tonic::Request;
use tonic::transport::Endpoint;

use crate::world::{self, ADMIN};

/// What a proxy may say and a caller may not; each names a host of the attacker.
const FORGED: [(&str, &str); 12] = [
    ("host", "evil.example"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-port", "8080"),
    ("forwarded", "host=evil.example;proto=http"),
    ("x-forwarded-server", "evil.example"),
    ("x-original-host", "evil.example"),
    ("x-host", "evil.example"),
    ("x-http-host-override", "evil.example"),
    ("origin", "https://evil.example"),
    ("referer", "https://evil.example/"),
    ("x-forwarded-for", "evil.example"),
];

/// Asks for a new password with these headers, and gives the mails that follow from it.
async fn mails_of_a_reset(stack: &Stack, headers: &[(&'static str, &str)]) -> Vec<Mail> {
    let resets = || {
        let mails = stack.mailbox.mails().into_iter();
        mails.filter(|mail| mail.to == ADMIN && mail.text.contains("?code=rcp_")).collect::<Vec<_>>()
    };
    let before = resets().len();
    let mut endpoint = Endpoint::from_shared(stack.address("identity")).unwrap();
    if !headers.is_empty() {
        endpoint = endpoint.origin("https://evil.example".parse().unwrap());
    }
    let mut request = Request::new(identity::RequestPasswordResetRequest { email: ADMIN.to_owned() });
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    let mut client = AccountServiceClient::new(endpoint.connect_lazy());
    client.request_password_reset(request).await.expect("the answer is always the same");
    world::eventually(|| async { resets() }, |mails| mails.len() > before).await
}

/// A link up to its code.
fn page(mail: &Mail) -> String {
    mail.link().split_once("?code=").unwrap().0.to_owned()
}

#[tokio::test]
async fn attack_t01_no_header_leads_the_link_of_a_reset_elsewhere() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    world::bootstrap(&stack).await;
    let honest = mails_of_a_reset(&stack, &[]).await;
    assert_eq!(honest.len(), 1);
    let expected = page(&honest[0]);
    for (index, headers) in FORGED.chunks(4).enumerate() {
        let mails = mails_of_a_reset(&stack, headers).await;
        assert_eq!(mails.len(), index + 2, "{headers:?}");
        for mail in mails {
            assert_eq!(page(&mail), expected, "{headers:?}");
            assert!(!mail.text.contains("evil.example"), "{headers:?}");
        }
    }
}

/// Every method that asks for credentials, as those without any see it.
async fn closed(stack: &Stack) -> Vec<(&'static str, String)> {
    let mut closed = Vec::new();
    for method in raw::methods() {
        let path = raw::path(&method);
        let service = SERVICES.into_iter().find(|service| path.contains(&format!(".{service}."))).unwrap();
        let answer = raw::call(&stack.channel(service), &path, Bytes::new(), None).await;
        if answer.is_err_and(|status| refusal::of(&status).reason == "CREDENTIALS_MISSING") {
            closed.push((service, path));
        }
    }
    closed
}

/// ASVS: V6.3.3, T09
#[tokio::test]
async fn attack_t06_half_a_login_opens_no_method() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let required = identity::MfaPolicy::Required.into();
    let request = identity::BootstrapRequest { mfa_policy: required, ..world::bootstrap_request(stack.setup_secret()) };
    Actor::anonymous(&stack).instance().bootstrap(request).await.expect("the first bootstrap works");
    let request =
        identity::LogInRequest { email: ADMIN.to_owned(), password: PASSWORD.to_owned(), ..Default::default() };
    let begun = Actor::anonymous(&stack).authentication().log_in(request).await.expect("the password is right");
    let Some(Outcome::Challenge(challenge)) = begun.into_inner().outcome else { panic!("no challenge") };
    let closed = closed(&stack).await;
    assert!(closed.len() > 50, "most methods ask for credentials: {}", closed.len());
    for (service, path) in closed {
        let answer = raw::call(&stack.channel(service), &path, Bytes::new(), Some(&challenge.challenge_token)).await;
        let refused = refusal::of(&answer.expect_err(&path));
        assert_eq!((refused.domain.as_str(), refused.reason.as_str()), ("authz.rolecall", "TOKEN_INVALID"), "{path}");
    }
}

/// ASVS: V9.2.2, V7.2.2
#[tokio::test]
async fn attack_t09_what_is_exchanged_for_a_token_is_none_itself() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let request = identity::CreateAccessTokenRequest { name: "Laptop".to_owned(), ..Default::default() };
    let personal = admin.account().create_access_token(request).await.unwrap().into_inner().secret;
    let permissions = vec!["identity.users.list".to_owned()];
    let request =
        identity::CreateServiceAccountRequest { name: "Platform".to_owned(), permissions, ..Default::default() };
    let made = admin.service_accounts().create_service_account(request).await.unwrap().into_inner();
    let service_account_id = made.service_account.unwrap().service_account_id;
    let request = identity::CreateApiKeyRequest { service_account_id, ..Default::default() };
    let key = admin.service_accounts().create_api_key(request).await.unwrap().into_inner().secret;
    for (service, path) in closed(&stack).await {
        for secret in [&personal, &key, &admin.refresh_token()] {
            let answer = raw::call(&stack.channel(service), &path, Bytes::new(), Some(secret)).await;
            assert_eq!(refusal::of(&answer.expect_err(&path)).reason, "TOKEN_INVALID", "{path}");
        }
    }
}
