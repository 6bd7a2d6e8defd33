//! Single sign-on by the command line: a provider is connected, and people log in with their browser.

use rolecall_tests::identity_provider::{Person, SECRET, Visitor};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;
use url::Url;

use super::{OWNER, Stage};
use crate::command_line::{Terminal, text};
use crate::world;

const ADA: Person<'static> = Person::named("ada");

/// Reads the address that a browser has to open.
async fn address(child: &mut Child) -> Url {
    let mut lines = BufReader::new(child.stderr.as_mut().expect("standard error")).lines();
    while let Some(line) = lines.next_line().await.expect("readable") {
        if let Some(address) = line.strip_prefix("  http") {
            return Url::parse(&format!("http{address}")).expect("an address");
        }
    }
    panic!("no address is printed");
}

/// Whether it succeeded, and what it said.
async fn end(mut child: Child) -> (bool, String) {
    let mut said = String::new();
    child.stderr.take().expect("standard error").read_to_string(&mut said).await.expect("text");
    let output = child.wait_with_output().await.expect("it ends");
    (output.status.success(), said)
}

/// ASVS: V10.1.2, V7.6.2
#[tokio::test]
async fn a_person_logs_in_with_its_browser_by_the_command_line() {
    let stage = Stage::set(world::ONE_SQLITE).await;
    let ada = Terminal { stack: &stage.stack, name: "ada.toml" };
    let mut child = ada.start(&["login", "--sso", "--email", "ada@acme.example", "--no-browser"]);
    let sent_to = address(&mut child).await;
    let browser = Visitor::default();
    let callback = browser.log_in(sent_to.as_str(), ADA).await;
    let back = browser.open(&callback).await.location.expect("sent to this machine");
    assert_eq!((back.scheme(), back.host_str()), ("http", Some("127.0.0.1")));
    // A page of somebody else knows the port at best.
    let mut guessed = back.clone();
    guessed.set_path("/");
    assert_eq!(browser.open(&guessed).await.status, 404);
    let mut empty = back.clone();
    empty.set_query(None);
    assert_eq!(browser.open(&empty).await.status, 400);
    let page = browser.open(&back).await;
    assert!(page.status == 200 && page.html.contains("Go back to the terminal"), "{}", page.html);
    let (succeeded, said) = end(child).await;
    assert!(succeeded, "{said}");
    assert_eq!(text(&ada.ask(&["whoami"]).await["user"], "email"), "ada@acme.example");
    let file = stage.stack.folder().join("ada.toml");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("kept").permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(ada.run(&["logout"]).await.status.success());
    ada.expect_failure(&["whoami"], 3, "nobody is logged in").await;
}

#[tokio::test]
async fn a_person_without_a_browser_pastes_what_another_machine_shows() {
    let stage = Stage::set(world::ONE_SQLITE).await;
    let ada = Terminal { stack: &stage.stack, name: "ada.toml" };
    let provider = stage.connected.identity_provider_id.as_str();
    let begin = ["login", "--sso", "--provider", provider, "--paste", "--fresh"];
    let mut child = ada.start(&begin);
    let sent_to = address(&mut child).await;
    let browser = Visitor::default();
    let page = browser.open(&browser.log_in(sent_to.as_str(), ADA).await).await;
    let shown = rolecall_tests::html::parse(&page.html).only("pre").text();
    let mut input = child.stdin.take().expect("standard input");
    input.write_all(format!("{shown}\n").as_bytes()).await.expect("it waits");
    let (succeeded, said) = end(child).await;
    assert!(succeeded, "{said}");
    assert_eq!(text(&ada.ask(&["whoami"]).await["user"], "email"), "ada@acme.example");
    // The text is of no use to whoever did not begin there.
    let other = Terminal { stack: &stage.stack, name: "eve.toml" };
    let refused = other.run_with(&begin, &format!("{shown}\n")).await;
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("SSO_REFUSED"), "{said}");
    other.expect_failure(&["whoami"], 3, "nobody is logged in").await;
}

/// ASVS: V10.5.2
#[tokio::test]
async fn a_person_with_a_password_links_the_provider_and_ends_the_link_by_the_command_line() {
    let stage = Stage::set(world::ONE_SQLITE).await;
    let owner = Terminal { stack: &stage.stack, name: "owner.toml" };
    owner.log_in(OWNER).await;
    stage.provider.know("olga", json!({ "sub": "olga", "email": OWNER, "email_verified": true })).await;
    let provider = stage.connected.identity_provider_id.as_str();
    let mut child = owner.start(&["account", "link-identity", provider, "--no-browser"]);
    let sent_to = address(&mut child).await;
    let browser = Visitor::default();
    let callback = browser.log_in(sent_to.as_str(), Person::named("olga")).await;
    let back = browser.open(&callback).await.location.expect("sent to this machine");
    assert_eq!(browser.open(&back).await.status, 200);
    let (succeeded, said) = end(child).await;
    assert!(succeeded, "{said}");
    let links = owner.ask(&["account", "list-identities"]).await;
    let links = links["linkedIdentities"].as_array().expect("links");
    assert_eq!((links.len(), text(&links[0], "identityProviderId")), (1, provider));
    let link = text(&links[0], "linkedIdentityId");
    owner.log_in(OWNER).await;
    assert!(owner.run(&["account", "unlink-identity", link]).await.status.success());
    owner.expect_failure(&["account", "unlink-identity", link], 4, "LINKED_IDENTITY_NOT_FOUND").await;
    assert!(owner.ask(&["account", "list-identities"]).await["linkedIdentities"].as_array().is_none_or(Vec::is_empty));
}

#[tokio::test]
async fn a_single_sign_on_that_cannot_be_is_refused_by_the_command_line() {
    let stage = Stage::set(world::ONE_SQLITE).await;
    let ada = Terminal { stack: &stage.stack, name: "ada.toml" };
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    for nowhere in [&["--provider", unknown][..], &["--organization", unknown], &["--email", "ada@elsewhere.example"]] {
        let line = [&["login", "--sso", "--no-browser"][..], nowhere].concat();
        ada.expect_failure(&line, 4, "IDENTITY_PROVIDER_NOT_FOUND").await;
    }
    for wrong in [
        &["login", "--sso", "--no-browser"][..],
        &["login", "--email", OWNER, "--paste"],
        &["login", "--sso", "--email", OWNER, "--password-stdin"],
        &["login", "--sso", "--email", OWNER, "--provider", unknown],
        &["login", "--sso", "--guest"],
        &["login", "--sso", "--email", OWNER, "--paste", "--no-browser"],
    ] {
        ada.expect_failure(wrong, 2, "").await;
    }
}

#[tokio::test]
async fn an_owner_connects_a_provider_and_proves_a_domain_by_the_command_line() {
    let stage = Stage::set(world::ONE_SQLITE).await;
    let owner = Terminal { stack: &stage.stack, name: "owner.toml" };
    owner.log_in(OWNER).await;
    let issuer = stage.provider.issuer.as_str();
    let create =
        ["sso", "providers", "create", "--name", "Second", "--issuer", issuer, "--client-id", "rolecall-client"];
    let create = [&create[..], &["--secret-stdin", "--output", "json"]].concat();
    let made = owner.run_with(&create, &format!("{SECRET}\n")).await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let id = text(&made["identityProvider"], "identityProviderId").to_owned();
    assert!(!made.to_string().contains(SECRET), "{made}");
    let tested = owner.ask(&["sso", "providers", "test", &id]).await;
    assert_eq!((tested["keyCount"].as_i64(), tested["issuerInAnswers"].as_bool()), (Some(3), Some(true)));
    let update =
        ["sso", "providers", "update", &id, "--enabled", "true", "--role-claim", "groups", "--role", "a=GUEST"];
    assert_eq!(owner.ask(&update).await["identityProvider"]["enabled"], true);
    assert_eq!(text(&owner.ask(&["sso", "providers", "get", &id]).await["identityProvider"], "roleClaim"), "groups");
    assert_eq!(owner.ask(&["sso", "providers", "list"]).await["identityProviders"].as_array().map(Vec::len), Some(2));
    owner.ask(&["sso", "providers", "delete", &id]).await;
    owner.expect_failure(&["sso", "providers", "get", &id], 4, "IDENTITY_PROVIDER_NOT_FOUND").await;

    let claimed = owner.ask(&["sso", "domains", "create", "labs.example"]).await;
    let (id, record) = (text(&claimed["domain"], "domainId"), text(&claimed["domain"], "recordName"));
    owner.expect_failure(&["sso", "domains", "verify", id], 1, "DOMAIN_NOT_PROVEN").await;
    stage.dns.set_texts(record, &[text(&claimed["domain"], "recordValue")]);
    owner.ask(&["sso", "domains", "verify", id]).await;
    assert_eq!(owner.ask(&["sso", "domains", "list"]).await["domains"].as_array().map(Vec::len), Some(2));
    owner.ask(&["sso", "domains", "delete", id]).await;
    owner.expect_failure(&["sso", "domains", "verify", id], 4, "DOMAIN_NOT_FOUND").await;
}

#[tokio::test]
async fn an_account_is_deleted_and_erased_by_the_command_line() {
    let stage = Stage::set(world::ONE_SQLITE).await;
    let ada = stage.log_in(ADA).await.expect("logged in");
    let owner = Terminal { stack: &stage.stack, name: "owner.toml" };
    owner.log_in(OWNER).await;
    let said = owner.run(&["users", "delete", &ada.id, "--erase"]).await;
    assert!(said.status.success() && String::from_utf8_lossy(&said.stdout).contains("erased"), "{said:?}");
    owner.expect_failure(&["users", "get", &ada.id], 4, "USER_NOT_FOUND").await;
}
