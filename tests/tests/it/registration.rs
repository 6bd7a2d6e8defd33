//! The story of self-service: an organization opens, a visitor comes in by itself, and nobody learns who else did.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::verify_email_request::Credential;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::browser::{Browser, Page};
use rolecall_tests::mail::Mail;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tokio::io::AsyncWriteExt as _;
use tonic::{Code, Request, Status};

use crate::world::{self, ADMIN, eventually};

const VISITOR: &str = "vera@uni.example";
/// What the reader of a mail chooses instead of a stranger's password.
const OWN: &str = "seven purple trams at noon";
/// What stands in the subject of a verification mail.
const PROVE: &str = "Confirm your e-mail address";

#[tokio::test]
async fn a_visitor_comes_in_by_itself_on_sqlite() {
    story(Plan { post: Post::Folder, ..world::ONE_SQLITE }).await;
}

#[tokio::test]
async fn a_visitor_comes_in_by_itself_on_postgres() {
    story(world::ONE_POSTGRES).await;
}

#[tokio::test]
async fn a_visitor_comes_in_by_itself_with_three_processes() {
    let plan = Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Weak };
    story(plan).await;
}

/// What `Register` is called with.
pub(crate) fn request(email: &str) -> identity::RegisterRequest {
    identity::RegisterRequest {
        email: email.to_owned(),
        name: "Vera Visitor".to_owned(),
        institution: "University".to_owned(),
        website: "https://vera.example".to_owned(),
        password: PASSWORD.to_owned(),
        password_confirmation: PASSWORD.to_owned(),
        ..Default::default()
    }
}

/// Makes the home organization take registrations with addresses of these domains.
pub(crate) async fn open(admin: &Actor, domains: &[&str]) {
    let settings = organization::OrganizationSettings {
        registration_mode: organization::RegistrationMode::SelfService.into(),
        allowed_email_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ..Default::default()
    };
    let paths = ["registration_mode", "allowed_email_domains"].map(str::to_owned).to_vec();
    let update_mask = Some(prost_types::FieldMask { paths });
    let request =
        organization::UpdateOrganizationSettingsRequest { settings: Some(settings), update_mask, ..Default::default() };
    admin.organizations().update_organization_settings(request).await.expect("opened");
}

pub(crate) async fn register(stack: &Stack, email: &str) -> Result<identity::RegisterResponse, Status> {
    let answer = Actor::anonymous(stack).registration().register(request(email)).await?;
    Ok(answer.into_inner())
}

pub(crate) async fn verify(stack: &Stack, code: String, credential: Credential) -> Result<identity::User, Status> {
    let request = identity::VerifyEmailRequest { code, credential: Some(credential) };
    let answer = Actor::anonymous(stack).registration().verify_email(request).await?;
    Ok(answer.into_inner().user.expect("an account"))
}

/// The code of a verification mail.
pub(crate) fn code(mail: &Mail) -> String {
    let is_code = |word: &&str| word.starts_with("rcv_") && word.len() == 47;
    mail.text.split_whitespace().find(is_code).expect("a mail with a code").to_owned()
}

async fn story(plan: Plan) {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await;
    refusal::expect_reason(register(&stack, VISITOR).await, Code::FailedPrecondition, "REGISTRATION_CLOSED");
    open(&admin, &["uni.example"]).await;
    let elsewhere = register(&stack, "vera@elsewhere.example").await;
    refusal::expect_reason(elsewhere, Code::FailedPrecondition, "EMAIL_DOMAIN_REFUSED");

    let registered = register(&stack, VISITOR).await.expect("taken");
    assert!(!registered.registration_id.is_empty());
    let early = Actor::log_in(&stack, VISITOR).await;
    refusal::expect_reason(early, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    let link = stack.mailbox.wait_for(VISITOR, PROVE).await.link();
    in_a_browser(&stack, &link).await;
    stack.mailbox.wait_for(VISITOR, "Welcome to Home").await;
    let visitor = eventually(|| Actor::log_in(&stack, VISITOR), Result::is_ok).await.expect("an account");
    let access = visitor.access().get_my_access(organization::GetMyAccessRequest {}).await.expect("access");
    assert_eq!(access.into_inner().roles, ["DATA_SCIENTIST"]);
    let used =
        verify(&stack, link.split_once("?code=").expect("a code").1.to_owned(), Credential::Password(OWN.into()));
    refusal::expect_reason(used.await, Code::NotFound, "CODE_NOT_FOUND");

    // The owner of the account hears of the next try, and whoever tried hears nothing else than before.
    let again = register(&stack, VISITOR).await.expect("the same answer");
    assert_eq!(again.registration_id.len(), registered.registration_id.len());
    stack.mailbox.wait_for(VISITOR, "Somebody tried to register").await;
    let mails = stack.mailbox.mails();
    let proofs = mails.iter().filter(|mail| mail.to == VISITOR && mail.subject.contains(PROVE)).count();
    assert_eq!(proofs, 1, "no second code goes to whoever has an account");
    told(&admin).await;
}

async fn in_a_browser(stack: &Stack, link: &str) {
    let browser = Browser::new(stack);
    let page = browser.open(link).await;
    assert_eq!((page.status.as_u16(), page.heading().as_str()), (200, "Confirm your address"));
    for part in ["Vera Visitor", "Home", VISITOR, " UTC"] {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    let wrong = browser.submit(&page, &[("registration_password", OWN)]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.error_at("registration_password").contains("not the password"), "{}", wrong.text());
    assert!(!wrong.html.contains(OWN));
    let page = browser.open(&format!("/{}", way_on(&page))).await;
    assert!(page.text().contains("At least 15 characters"), "{}", page.text());
    let weak = browser.submit(&page, &[("password", "short"), ("password_confirmation", "other")]).await;
    assert_eq!(weak.status, 422);
    let page = browser.open(&format!("/{}", way_on(&weak))).await;
    let done = browser.submit(&page, &[("registration_password", PASSWORD)]).await;
    assert_eq!((done.status.as_u16(), done.heading().as_str()), (200, "Your account is ready"));
    assert_eq!(browser.open(link).await.status, 404);
}

/// Where the link below the form leads; those above lead to what is wrong with it.
fn way_on(page: &Page) -> String {
    let document = page.document();
    let links = document.named("a");
    links.last().and_then(|link| link.attribute("href")).expect("a link").to_owned()
}

/// All is in the audit log, with nobody's address.
async fn told(admin: &Actor) {
    for topic in ["identity.registration_requested", "identity.user_registered", "identity.email_verified"] {
        let request = organization::ListAuditEventsRequest { topic: topic.to_owned(), ..Default::default() };
        let list = || async { admin.audit().list_audit_events(request.clone()).await.expect("listed").into_inner() };
        let listed = eventually(list, |found| !found.audit_events.is_empty()).await;
        assert!(!listed.audit_events.is_empty(), "{topic}");
        assert!(listed.audit_events.iter().all(|event| !format!("{event:?}").contains("@uni.example")), "{topic}");
    }
}

#[tokio::test]
async fn a_new_password_takes_the_place_of_a_strangers_in_a_browser() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    open(&admin, &[]).await;
    register(&stack, VISITOR).await.expect("taken");
    let browser = Browser::new(&stack);
    let link = stack.mailbox.wait_for(VISITOR, PROVE).await.link();
    let page = browser.open(&format!("{link}&another=1")).await;
    let done = browser.submit(&page, &[("password", OWN), ("password_confirmation", OWN)]).await;
    assert_eq!(done.heading(), "Your account is ready");
    let strangers = Actor::log_in(&stack, VISITOR).await;
    refusal::expect_reason(strangers, Code::Unauthenticated, "CREDENTIALS_REFUSED");
    Actor::log_in_with(&stack, VISITOR, OWN).await.expect("its own");
}

#[tokio::test]
async fn asvs_v2_4_1_a_network_registers_only_so_often() {
    let mut stack = Stack::prepare(world::ONE_SQLITE).await;
    stack.configure("[identity]\nregistrations_per_network = 2");
    stack.trust_proxies();
    stack.launch_all(None).await;
    let admin = world::bootstrap(&stack).await;
    open(&admin, &[]).await;
    let from = |network: &'static str, email: &str| {
        let mut request = Request::new(request(email));
        request.metadata_mut().insert("x-forwarded-for", network.parse().expect("ascii"));
        let client = Actor::anonymous(&stack);
        async move { client.registration().register(request).await }
    };
    for (network, email) in [("2001:db8:0:7::1", ADMIN), ("2001:db8:0:7:ffff::2", "nobody@home.example")] {
        from(network, email).await.expect("the first two");
    }
    for email in [ADMIN, "else@home.example"] {
        let refused = from("2001:db8:0:7::3", email).await;
        refusal::expect_reason(refused, Code::ResourceExhausted, "REGISTRATION_LIMIT_REACHED");
    }
    from("2001:db8:0:8::1", "else@home.example").await.expect("another network");
    register(&stack, "else@home.example").await.expect("this machine itself");
}

#[tokio::test]
async fn the_command_line_registers_and_proves() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    open(&admin, &[]).await;
    let shown = command(&stack, &["register", VISITOR, "--name", "Vera", "--password-stdin"], PASSWORD).await;
    assert!(shown.contains("registration"), "{shown}");
    let mail = stack.mailbox.wait_for(VISITOR, PROVE).await;
    assert!(mail.text.contains("rolecall verify-email --server"));
    let asked = command(&stack, &["verify-email", "--resend", "nobody@uni.example"], "").await;
    assert!(asked.contains("if the address waits"), "{asked}");
    let secrets = format!("{}\n{OWN}", code(&mail));
    let shown = command(&stack, &["verify-email", "--new-password", "--password-stdin"], &secrets).await;
    assert!(shown.contains(VISITOR) && shown.contains("DATA_SCIENTIST"), "{shown}");
    Actor::log_in_with(&stack, VISITOR, OWN).await.expect("an account");
}

async fn command(stack: &Stack, arguments: &[&str], input: &str) -> String {
    let mut command = tokio::process::Command::new(rolecall_tests::stack::binary());
    command.args(arguments).args(["--server", &stack.address("identity")]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("standard input");
    stdin.write_all(format!("{input}\n").as_bytes()).await.expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().await.expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
