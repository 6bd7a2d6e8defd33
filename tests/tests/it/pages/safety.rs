//! What pages must never do.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use rolecall_api::identity::v1 as identity;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::browser::{Browser, OWN, Page};
use rolecall_tests::stack::{Hashing, Plan, Stack};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{CHALLENGE, INVITATION, OTHER_PASSWORD, REGISTRATION, RESET, choose, code, invite, is_open};
use crate::world::{self, ADMIN, eventually};

const PATHS: [&str; 6] =
    ["/invitation", "/password-reset", "/email-change", "/password-forgotten", "/registration", "/authenticator"];

async fn start() -> (Stack, Actor, Browser) {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let browser = Browser::new(&stack);
    (stack, admin, browser)
}

/// What every page is sent with, whatever became of the request.
fn check_head(page: &Page) {
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.header("permissions-policy").contains("camera=(), "));
    assert!(!page.header("x-request-id").is_empty());
    let policy = page.header("content-security-policy");
    let style = page.html.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    let hash = style.map(|(style, _)| sha256(style)).unwrap_or_default();
    let expected = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(policy, expected);
    for absent in ["set-cookie", "access-control-allow-origin", "strict-transport-security", "location", "server"] {
        assert!(!page.headers.contains_key(absent), "{absent}");
    }
}

/// Asked of a program that is no part of ours.
fn sha256(text: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha256sum");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let answer = child.wait_with_output().expect("it ends").stdout;
    let hex = String::from_utf8_lossy(&answer[..64]).into_owned();
    data_encoding::BASE64.encode(&data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("a hash"))
}

/// What holds of every page, whatever it shows.
fn check_page(page: &Page) {
    let document = page.document();
    assert_eq!(document.only("html").attribute("lang"), Some("en"));
    assert!(document.only("title").text().ends_with("Rolecall"));
    document.only("h1");
    document.only("main");
    for name in ["script", "img", "iframe", "object", "embed", "link", "base", "svg"] {
        assert!(document.named(name).is_empty(), "<{name}> in {}", page.html);
    }
    for element in document.all() {
        for attribute in element.attributes() {
            assert!(!attribute.starts_with("on") && attribute != "style", "{attribute} in {}", page.html);
        }
        let address = element.attribute("href").or(element.attribute("action")).unwrap_or_default();
        assert!(!address.contains(':') && !address.starts_with('/'), "{address} leads away");
    }
    for input in document.named("input") {
        let Some(id) = input.attribute("id") else { continue };
        assert!(document.with("for", id).is_some_and(|label| label.name == "label"), "{id} has a label");
    }
}

/// ASVS: V4.1.1
#[tokio::test]
async fn asvs_v14_3_2_every_answer_has_every_header_and_no_page_has_a_script() {
    let (stack, admin, browser) = start().await;
    let link = invite(&stack, &admin, "pat@home.example").await;
    let mut pages = Vec::new();
    for path in PATHS {
        let form = [("content-type", "application/x-www-form-urlencoded"), OWN[0]];
        pages.extend([
            (200, browser.open(path).await),
            (403, browser.post_from(&[("sec-fetch-site", "cross-site")], path, &[]).await),
            (415, browser.send(Method::POST, path, &OWN, Bytes::from_static(b"code=x")).await),
            (413, browser.send(Method::POST, path, &form, vec![b'a'; 16 * 1024 + 1].into()).await),
            (400, browser.send(Method::POST, path, &form, Bytes::from_static(b"password=%ff%fe")).await),
            (405, browser.send(Method::PUT, path, &OWN, Bytes::new()).await),
            (405, browser.send(Method::DELETE, path, &OWN, Bytes::new()).await),
            (405, browser.send(Method::OPTIONS, path, &[("origin", "https://evil.example")], Bytes::new()).await),
        ]);
    }
    pages.extend([
        (200, browser.open(&link).await),
        (404, browser.open(&format!("/invitation?code={INVITATION}")).await),
        (404, browser.open(&format!("/password-reset?code={RESET}")).await),
        (404, browser.open(&format!("/registration?code={REGISTRATION}")).await),
        (404, browser.post("/authenticator", &[("code", CHALLENGE), ("totp_code", "123456")]).await),
        (422, browser.post("/authenticator", &[("email", "nobody@example.org"), ("current_password", "x")]).await),
        (422, browser.post("/invitation", &[("code", &code(&link))]).await),
        (422, browser.post("/password-forgotten", &[("email", "nobody")]).await),
        (200, browser.post("/password-forgotten", &[("email", "nobody@example.org")]).await),
    ]);
    for (status, page) in &pages {
        assert_eq!(page.status.as_u16(), *status, "{}", page.html);
        check_head(page);
        check_page(page);
        assert_eq!(page.headers.contains_key("allow"), *status == 405);
    }
    let head = browser.send(Method::HEAD, "/invitation", &[], Bytes::new()).await;
    assert!(head.status == 200 && head.html.is_empty() && head.header("cache-control") == "no-store");
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let (stack, admin, browser) = start().await;
    let code = code(&invite(&stack, &admin, "pat@home.example").await);
    let fields = [("code", code.as_str()), ("password", PASSWORD), ("password_confirmation", PASSWORD)];
    let own = stack.address("identity");
    for from in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("referer", own.as_str())],
        &[],
    ] {
        let refused = browser.post_from(from, "/invitation", &fields).await;
        assert_eq!(
            (refused.status.as_u16(), refused.heading().as_str()),
            (403, "This form came from elsewhere"),
            "{from:?}"
        );
        assert!(is_open(&stack, &code).await, "{from:?}");
    }
    // Without a code in the body there is no change either, wherever else the code may be.
    let smuggled = browser.post(&format!("/invitation?code={code}"), &fields[1..]).await;
    assert_eq!(smuggled.status, 404);
    // A browser of before 2021 names its origin.
    let old = browser.post_from(&[("origin", own.as_str())], "/invitation", &fields).await;
    assert_eq!(old.heading(), "Your account is ready");
}

#[tokio::test]
async fn asvs_v1_2_1_markup_in_names_stays_text() {
    let (stack, admin, browser) = start().await;
    let name = "</dd><script>alert(1)</script>";
    let request = world::create_organization_request(name, "olga@lab.example");
    admin.organizations().create_organization(request).await.expect("an organization");
    let link = stack.mailbox.wait_for("olga@lab.example", "nvit").await.link();
    let page = browser.open(&link).await;
    assert_eq!(page.heading(), format!("You are invited to {name}"));
    check_page(&page);
    let done = choose(&browser, &page, PASSWORD).await;
    assert!(done.text().contains(name));
    check_page(&done);
    let evil = "\"><script>alert(1)</script>@example.org";
    let kept = browser.post("/password-forgotten", &[("email", evil)]).await;
    check_page(&kept);
    assert_eq!(kept.document().with("id", "email").and_then(|input| input.attribute("value")), Some(evil));
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_no_password_comes_back() {
    let (stack, admin, browser) = start().await;
    let link = invite(&stack, &admin, "pat@home.example").await;
    let page = browser.open(&link).await;
    let (one, two) = ("qzj-vxk-7", "qzj-vxk-8");
    let refused = browser.submit(&page, &[("password", one), ("password_confirmation", two)]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.error_at("password").contains("at least 15 characters"), "{}", refused.text());
    assert!(refused.error_at("password").contains("Several unrelated words"), "the hint goes on to describe the field");
    assert!(refused.error_at("password_confirmation").contains("differ"));
    assert!(!refused.html.contains(one) && !refused.html.contains(two));
    let document = refused.document();
    assert!(document.only("title").text().starts_with("Error: "));
    let summary = document.with("role", "alert").expect("a summary");
    assert_eq!((summary.attribute("tabindex"), summary.attribute("autofocus")), (Some("-1"), Some("")));
    let targets: Vec<_> = summary.named("a").iter().filter_map(|link| link.attribute("href")).collect();
    assert_eq!(targets, ["#password", "#password_confirmation"]);
    for input in document.named("input") {
        assert!(input.attribute("type") != Some("password") || input.attribute("value").is_none());
    }
    let context = choose(&browser, &refused, "pat.person@home.example").await;
    assert!(context.error_at("password").contains("made of your name"), "{}", context.text());
    assert_eq!(choose(&browser, &context, OTHER_PASSWORD).await.status, 200);
}

/// ASVS: V6.3.8
#[tokio::test]
async fn attack_t03_asking_for_a_new_password_tells_nothing_of_who_is_there() {
    let (stack, _, browser) = start().await;
    let mut answers = Vec::new();
    for email in [ADMIN, "nobody@home.example", "ADMIN@HOME.EXAMPLE"] {
        let mut answer = browser.post("/password-forgotten", &[("email", email)]).await;
        for changing in ["x-request-id", "date"] {
            answer.headers.remove(changing);
        }
        answers.push((answer.status, format!("{:?}", answer.headers), answer.html));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    stack.mailbox.wait_for(ADMIN, "new password").await;
    assert!(stack.mailbox.mails().iter().all(|mail| mail.to != "nobody@home.example"));
}

/// ASVS: T09
#[tokio::test]
async fn asvs_v6_6_2_a_code_opens_only_the_page_that_it_is_for() {
    let (stack, admin, browser) = start().await;
    let code = code(&invite(&stack, &admin, "pat@home.example").await);
    for path in ["/password-reset", "/email-change", "/registration"] {
        assert_eq!(browser.open(&format!("{path}?code={code}")).await.status, 404, "{path}");
        let fields = [("code", code.as_str()), ("password", PASSWORD), ("password_confirmation", PASSWORD)];
        assert_eq!(browser.post(path, &fields).await.status, 404, "{path}");
    }
    assert!(is_open(&stack, &code).await);
    let forgotten = Browser::new(&stack).post("/password-forgotten", &[("email", ADMIN)]).await;
    assert_eq!(forgotten.status, 200);
    let reset = stack.mailbox.wait_for(ADMIN, "new password").await.link();
    let swapped = reset.replace("/password-reset", "/invitation");
    assert_eq!(browser.open(&swapped).await.status, 404);
}

#[tokio::test]
async fn a_window_that_is_closed_does_not_stop_what_its_button_began() {
    let stack = Stack::start(Plan { hashing: Hashing::Real, ..world::ONE_SQLITE }).await;
    let admin = world::bootstrap(&stack).await;
    let invited = admin.users().create_user(world::create_user_request("pat@home.example", &["DATA_SCIENTIST"])).await;
    let user_id = invited.expect("an invitation").into_inner().user.expect("an account").user_id;
    let code = code(&stack.mailbox.wait_for("pat@home.example", "nvit").await.link());
    // Not asked by logging in: each failure would make the next one wait.
    let state = async || {
        let request = identity::GetUserRequest { user_id: user_id.clone() };
        admin.users().get_user(request).await.expect("read").into_inner().user.expect("an account").state()
    };
    // The first times the window is closed while the password is hashed, if the machine has time for us; the last time
    // the answer comes before, so that a slow machine ends as a quick one does.
    for patience in [20, 50, 200, 1_000, 20_000] {
        press_and_leave(&stack, &code, Duration::from_millis(patience)).await;
        if eventually(&state, |state| *state == identity::UserState::Active).await == identity::UserState::Active {
            Actor::log_in(&stack, "pat@home.example").await.expect("with the password that was chosen");
            return;
        }
    }
    panic!("what the button began was not done");
}

async fn press_and_leave(stack: &Stack, code: &str, patience: Duration) {
    let address = stack.address("identity");
    let host = address.trim_start_matches("http://");
    let password = PASSWORD.replace(' ', "+");
    let body = format!("code={code}&password={password}&password_confirmation={password}");
    let length = body.len();
    let head = format!(
        "POST /invitation HTTP/1.1\r\nhost: {host}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut socket = TcpStream::connect(host).await.expect("a connection");
    socket.write_all(format!("{head}{body}").as_bytes()).await.expect("sent");
    tokio::time::sleep(patience).await;
}
