//! An authenticator app, set up in a browser.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::authenticator::Authenticator;
use rolecall_tests::browser::{Browser, Page};
use rolecall_tests::stack::Stack;

use crate::world::{self, ADMIN};

/// Address and password, as the first form asks for them.
async fn say_who(browser: &Browser, email: &str, password: &str) -> Page {
    let page = browser.open("/authenticator").await;
    browser.submit(&page, &[("email", email), ("current_password", password)]).await
}

/// The key that is written below the picture.
fn secret(page: &Page) -> String {
    let text = page.document().only("dd").text();
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

#[tokio::test]
async fn an_app_is_set_up_without_a_session_also_where_nobody_demands_one() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    world::bootstrap(&stack).await;
    let browser = Browser::new(&stack);
    for (email, password) in [(ADMIN, "not this one at all"), ("nobody@home.example", PASSWORD)] {
        let refused = say_who(&browser, email, password).await;
        assert_eq!(refused.status, 422);
        assert!(refused.error_at("current_password").contains("do not open an account"), "{}", refused.text());
        assert!(!refused.html.contains(password));
    }
    let page = say_who(&browser, ADMIN, PASSWORD).await;
    assert_eq!((page.status.as_u16(), page.heading().as_str()), (200, "Scan the code with your app"));
    is_safe(&page);
    let app = Authenticator::of_secret(&secret(&page));
    let wrong = browser.submit(&page, &[("totp_code", "12345x")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.error_at("totp_code").contains("not the code"), "{}", wrong.text());
    assert!(wrong.document().named("img").is_empty(), "the secret is shown once");
    let done = browser.submit(&wrong, &[("totp_code", &app.previous_code().await)]).await;
    assert_eq!((done.status.as_u16(), done.heading().as_str()), (200, "Your authenticator app is set up"));
    let codes: Vec<String> = done.document().named("code").iter().map(|code| code.text()).collect();
    assert_eq!(codes.len(), 10, "{}", done.html);
    let again = browser.submit(&page, &[("totp_code", &app.code_of_now().await)]).await;
    assert_eq!((again.status.as_u16(), again.heading().as_str()), (404, "This took too long"));
    let second = say_who(&browser, ADMIN, PASSWORD).await;
    assert_eq!(second.heading(), "You have an authenticator app already");
    for code in [Answer::TotpCode(app.code_of_now().await), Answer::RecoveryCode(codes[3].clone())] {
        log_in(&stack, code).await;
    }
    let logs = stack.logs();
    assert!(!logs.contains(&secret(&page)) && codes.iter().all(|code| !logs.contains(code)), "a secret is in the logs");
}

/// The one page that shows a picture says so in its policy, and has nothing else that others have not.
fn is_safe(page: &Page) {
    let document = page.document();
    let image = document.only("img");
    assert!(image.attribute("src").expect("a source").starts_with("data:image/png;base64,"));
    assert!(!image.attribute("alt").expect("a description").is_empty());
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains("; img-src data:; "),
        "{policy}"
    );
    assert!(!policy.contains("script") && document.named("script").is_empty());
    assert_eq!(page.header("cache-control"), "no-store");
    let link = document.only("a").attribute("href").expect("an address").to_owned();
    assert!(link.starts_with("otpauth://totp/") && link.contains(&secret(page)), "{link}");
    assert!(document.with("autocomplete", "one-time-code").is_some());
}

async fn log_in(stack: &Stack, code: Answer) {
    let client = Actor::anonymous(stack);
    let request =
        identity::LogInRequest { email: ADMIN.to_owned(), password: PASSWORD.to_owned(), ..Default::default() };
    let answer = client.authentication().log_in(request).await.expect("the password is right").into_inner();
    let Some(Outcome::Challenge(challenge)) = answer.outcome else { panic!("the factor is asked for") };
    let challenge_token = challenge.challenge_token;
    let request = identity::AnswerChallengeRequest { challenge_token, answer: Some(code) };
    client.authentication().answer_challenge(request).await.expect("logged in");
}
