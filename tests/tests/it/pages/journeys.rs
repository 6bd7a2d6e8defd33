//! From the mail to the link, from the form to the login.

use bytes::Bytes;
use http::Method;
use rolecall_api::identity::v1 as identity;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::browser::Browser;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tonic::Code;

use super::{OTHER_PASSWORD, choose, code, invite, is_open};
use crate::world::{self, eventually};

const PERSON: &str = "pat@lab.example";
const MOVED: &str = "pat@other.example";

#[tokio::test]
async fn a_person_does_everything_in_a_browser_on_sqlite() {
    journey(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn a_person_does_everything_in_a_browser_on_postgres() {
    journey(world::ONE_POSTGRES).await;
}

#[tokio::test]
async fn a_person_does_everything_in_a_browser_with_three_processes() {
    let plan = Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Weak };
    journey(plan).await;
}

async fn journey(plan: Plan) {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    let browser = Browser::new(&stack);
    invitation_is_looked_at_and_accepted(&stack, &admin, &browser).await;
    forgotten_password_is_set_anew(&stack, &browser).await;
    address_moves_by_a_button(&stack, &browser).await;
    let logs = stack.logs();
    for mail in stack.mailbox.mails().iter().filter(|mail| mail.text.contains("?code=")) {
        assert!(!logs.contains(&code(&mail.link())), "a code is in the logs");
    }
    if plan.layout == Layout::Three {
        for service in ["organization", "notification"] {
            assert_eq!(Browser::of(&stack, service).open("/invitation").await.status, 404, "{service}");
        }
    }
}

async fn invitation_is_looked_at_and_accepted(stack: &Stack, admin: &Actor, browser: &Browser) {
    let link = invite(stack, admin, PERSON).await;
    assert!(link.starts_with(&stack.address("identity")), "{link}");
    // Mail programs look at links on their own, some of them more than once.
    for method in [Method::HEAD, Method::GET, Method::GET] {
        let seen = browser.send(method, link.trim_start_matches(&stack.address("identity")), &[], Bytes::new()).await;
        assert_eq!(seen.status, 200);
    }
    let page = browser.open(&link).await;
    assert_eq!(page.heading(), "You are invited to Home");
    for part in ["Ada Admin", "Home", PERSON, "Data Scientist", " UTC", "At least 15 characters"] {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    let document = page.document();
    let username = document.with("autocomplete", "username").expect("a name for password managers");
    assert_eq!((username.attribute("value"), username.attribute("name")), (Some(PERSON), None));

    let weak = choose(browser, &page, "passwordpassword").await;
    assert_eq!(weak.status, 422);
    assert!(weak.error_at("password").contains("easy to guess"), "{}", weak.text());
    let done = choose(browser, &weak, PASSWORD).await;
    assert_eq!((done.status.as_u16(), done.heading().as_str()), (200, "Your account is ready"));
    assert!(done.text().contains(PERSON) && done.text().contains("Home"));
    Actor::log_in(stack, PERSON).await.expect("the person logs in");
    let again = browser.open(&link).await;
    assert_eq!((again.status.as_u16(), again.heading().as_str()), (404, "This invitation does not work"));
    assert!(!is_open(stack, &code(&link)).await);
}

async fn forgotten_password_is_set_anew(stack: &Stack, browser: &Browser) {
    let session = Actor::log_in(stack, PERSON).await.expect("a session");
    let form = browser.open("/password-forgotten").await;
    let sent = browser.submit(&form, &[("email", PERSON)]).await;
    assert_eq!((sent.status.as_u16(), sent.heading().as_str()), (200, "Look into your mail"));
    let link = stack.mailbox.wait_for(PERSON, "new password").await.link();
    let page = browser.open(&link).await;
    assert_eq!(page.heading(), "Set a new password");
    assert!(page.text().contains(PERSON) && page.text().contains(" UTC"));
    let done = choose(browser, &page, OTHER_PASSWORD).await;
    assert_eq!((done.status.as_u16(), done.heading().as_str()), (200, "Your new password is set"));
    let old = Actor::log_in(stack, PERSON).await;
    refusal::expect_reason(old, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    eventually(|| Actor::log_in_with(stack, PERSON, OTHER_PASSWORD), Result::is_ok).await.expect("the new one");
    let account = || async { session.account().get_account(identity::GetAccountRequest {}).await };
    assert!(eventually(account, Result::is_err).await.is_err(), "every session ended");
    let again = browser.open(&link).await;
    assert_eq!(again.status, 404);
    assert_eq!(again.document().only("a").attribute("href"), Some("password-forgotten"), "a new link can be asked for");
}

async fn address_moves_by_a_button(stack: &Stack, browser: &Browser) {
    let person = Actor::log_in_with(stack, PERSON, OTHER_PASSWORD).await.expect("a session");
    let request = identity::ChangeEmailRequest { email: MOVED.to_owned(), ..Default::default() };
    person.account().change_email(request).await.expect("a mail is on its way");
    let link = stack.mailbox.wait_for(MOVED, "onfirm").await.link();
    let page = browser.open(&link).await;
    assert_eq!(page.heading(), "Confirm your new address");
    assert!(page.text().contains(MOVED));
    Actor::log_in_with(stack, PERSON, OTHER_PASSWORD).await.expect("looking changes nothing");
    let done = browser.submit(&browser.open(&link).await, &[]).await;
    assert_eq!((done.status.as_u16(), done.heading().as_str()), (200, "Your address is changed"));
    assert!(done.text().contains(MOVED));
    Actor::log_in_with(stack, MOVED, OTHER_PASSWORD).await.expect("the new address");
    let old = Actor::log_in_with(stack, PERSON, OTHER_PASSWORD).await;
    refusal::expect_reason(old, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    assert_eq!(browser.open(&link).await.status, 404);
}

#[tokio::test]
async fn a_code_can_be_typed_where_the_link_is_broken() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let browser = Browser::new(&stack);
    let link = invite(&stack, &admin, PERSON).await;
    for path in ["/invitation", "/invitation?code=", "/password-reset", "/email-change", "/registration"] {
        let page = browser.open(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.document().with("name", "code").is_some(), "{path}");
    }
    let page = browser.open("/invitation").await;
    let found = browser.submit(&page, &[("code", &format!(" {} ", code(&link)))]).await;
    assert_eq!(found.heading(), "You are invited to Home");
}

#[tokio::test]
async fn mails_link_to_pages_of_the_platform_and_ours_can_be_switched_off() {
    let mut stack = Stack::prepare(world::ONE_SQLITE).await;
    stack.configure("[pages]\nenabled = false");
    stack.configure("[links]\ninvitation = \"https://app.example.org/welcome?from=mail&code={code}\"");
    stack.launch_all(None).await;
    let admin = world::bootstrap(&stack).await;
    let request = world::create_user_request(PERSON, &["GUEST"]);
    admin.users().create_user(request).await.expect("an invitation");
    let mail = stack.mailbox.wait_for(PERSON, "nvit").await;
    let wanted = format!("\nhttps://app.example.org/welcome?from=mail&code={}", mail.code());
    assert!(mail.text.replace("\r\n", "\n").contains(&wanted), "{}", mail.text);
    let browser = Browser::new(&stack);
    for path in ["/invitation", "/password-reset", "/email-change", "/password-forgotten"] {
        assert_eq!(browser.open(path).await.status, 404, "{path}");
    }
    assert_eq!(browser.open("/.well-known/jwks.json").await.status, 200, "the keys stay");
}
