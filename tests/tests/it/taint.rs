//! Secrets leave no trace: everything is logged, and neither the logs nor the databases hold one.

use std::fs;
use std::path::Path;

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::answer_challenge_response::Outcome as Led;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::authenticator::Authenticator;
use rolecall_tests::stack::Stack;

use crate::world::{self, ADMIN};

const PERSON: &str = "pat@home.example";
const NEW: &str = "seven purple trams at noon";
const WRONG: &str = "this was typed into the wrong field";

/// Everything is logged.
pub(crate) const CHATTY: &str = "[telemetry]\nfilter = \"trace,sqlx=trace,sea_orm=trace,tonic=trace,tower=trace,hyper=trace,h2=trace,rustls=trace\"";

/// A secret by its name.
pub(crate) type Secret = (&'static str, String);

/// One process on files whose mails leave through a server, so that no mail lies in the data folder; it logs everything.
async fn talkative() -> Stack {
    let mut stack = Stack::prepare(world::ONE_SQLITE).await;
    stack.configure(CHATTY);
    stack.launch_all(None).await;
    stack
}

/// Goes through whatever takes or gives a secret.
async fn live(stack: &Stack) -> Vec<Secret> {
    let admin = world::bootstrap(stack).await;
    let mut secrets = vec![("access token", admin.token().to_owned()), ("refresh token", admin.refresh_token())];
    let anonymous = Actor::anonymous(stack);
    let wrong = identity::LogInRequest { email: ADMIN.to_owned(), password: WRONG.to_owned(), ..Default::default() };
    anonymous.authentication().log_in(wrong).await.expect_err("wrong");
    let request = identity::RefreshTokensRequest { refresh_token: admin.refresh_token(), ..Default::default() };
    let refreshed = anonymous.authentication().refresh_tokens(request).await.unwrap().into_inner().tokens.unwrap();
    secrets.push(("its successor", refreshed.refresh_token));
    admin.users().create_user(world::create_user_request(PERSON, &["GUEST"])).await.unwrap();
    secrets.push(("invitation", stack.mailbox.wait_for(PERSON, "nvit").await.code()));
    world::accept(stack, PERSON).await.unwrap();
    secrets.extend(of_programs(&admin).await);
    secrets.extend(of_a_reset(stack, &admin).await);
    secrets.extend(of_a_factor(stack).await);
    secrets.extend([PASSWORD, NEW, WRONG].map(|password| ("password", password.to_owned())));
    secrets
}

async fn of_programs(admin: &Actor) -> Vec<Secret> {
    let permissions = vec!["identity.users.get".to_owned()];
    let (name, lent) = ("Laptop".to_owned(), permissions.clone());
    let request = identity::CreateAccessTokenRequest { name, permissions: lent, ..Default::default() };
    let personal = admin.account().create_access_token(request).await.unwrap().into_inner().secret;
    let name = "Platform".to_owned();
    let request = identity::CreateServiceAccountRequest { name, permissions, ..Default::default() };
    let made = admin.service_accounts().create_service_account(request).await.unwrap().into_inner();
    let service_account_id = made.service_account.unwrap().service_account_id;
    let request = identity::CreateApiKeyRequest { service_account_id, ..Default::default() };
    let key = admin.service_accounts().create_api_key(request).await.unwrap().into_inner().secret;
    let request = identity::ExchangeApiKeyRequest { api_key: key.clone(), ..Default::default() };
    let token = admin.authentication().exchange_api_key(request).await.unwrap().into_inner().access_token;
    vec![("personal token", personal), ("key", key), ("token of a program", token)]
}

async fn of_a_reset(stack: &Stack, admin: &Actor) -> Vec<Secret> {
    let request = identity::RequestPasswordResetRequest { email: PERSON.to_owned() };
    admin.account().request_password_reset(request).await.unwrap();
    let link = stack.mailbox.wait_for(PERSON, "password").await.link();
    let code = link.split_once("?code=").unwrap().1.to_owned();
    let (password, password_confirmation) = (NEW.to_owned(), NEW.to_owned());
    let request = identity::ResetPasswordRequest { code: code.clone(), password, password_confirmation };
    admin.account().reset_password(request).await.unwrap();
    vec![("reset code", code)]
}

async fn of_a_factor(stack: &Stack) -> Vec<Secret> {
    let person = Actor::log_in_with(stack, PERSON, NEW).await.unwrap();
    let begun = person.account().enroll_totp(identity::EnrollTotpRequest::default()).await.unwrap().into_inner();
    let enrollment = begun.enrollment.unwrap();
    let app = Authenticator::new(&enrollment);
    let code = app.previous_code().await;
    let request = identity::ConfirmTotpRequest { factor_id: enrollment.factor_id, code };
    let codes = person.account().confirm_totp(request).await.unwrap().into_inner().recovery_codes;
    let request = identity::LogInRequest { email: PERSON.to_owned(), password: NEW.to_owned(), ..Default::default() };
    let asked = person.authentication().log_in(request).await.unwrap().into_inner();
    let Some(Outcome::Challenge(challenge)) = asked.outcome else { panic!("no challenge") };
    let answer = Some(Answer::RecoveryCode(codes[0].clone()));
    let request = identity::AnswerChallengeRequest { challenge_token: challenge.challenge_token.clone(), answer };
    let done = person.authentication().answer_challenge(request).await.unwrap().into_inner();
    let Some(Led::Tokens(tokens)) = done.outcome else { panic!("no tokens") };
    let mut secrets = vec![
        ("secret of the app", enrollment.secret),
        ("challenge", challenge.challenge_token),
        ("token after two factors", tokens.access_token),
    ];
    secrets.extend(codes.into_iter().map(|code| ("recovery code", code)));
    secrets
}

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// ASVS: V16.2.5, V10.1.1, V14.2.4, T40
#[tokio::test]
async fn attack_t35_no_secret_stands_in_a_log_or_in_a_database() {
    let stack = talkative().await;
    let secrets = live(&stack).await;
    expect_no_trace(&stack, &secrets);
}

/// Looks through the logs and the databases.
pub(crate) fn expect_no_trace(stack: &Stack, secrets: &[Secret]) {
    let logs = stack.logs();
    assert!(logs.contains("TRACE"), "everything is logged");
    for (name, secret) in secrets {
        assert!(secret.len() > 9, "{name}");
        assert!(!logs.contains(secret.as_str()), "{name} is logged");
    }
    let data = files(&stack.folder().join("data"));
    assert!(data.iter().any(|(path, bytes)| path.ends_with("identity.db") && !bytes.is_empty()));
    for (path, bytes) in &data {
        for (name, secret) in secrets {
            assert!(!holds(bytes, secret), "{name} in {path}");
        }
    }
}
