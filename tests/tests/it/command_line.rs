//! Guests and people who act as others, by the command line.

use std::process::Output;

use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::stack::{Stack, binary};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::world::{self, ADMIN, eventually};

/// Somebody at a terminal: what it logs in as is kept in a file of its own.
pub(crate) struct Terminal<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) name: &'static str,
}

impl Terminal<'_> {
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "").await
    }

    /// Starts a command.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(binary());
        command.args(arguments).args(["--server", &self.stack.address("identity")]);
        command.arg("--token-file").arg(self.stack.folder().join(self.name));
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped()).kill_on_drop(true);
        command.spawn().expect("the command starts")
    }

    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.start(arguments);
        let mut stdin = child.stdin.take().expect("standard input");
        // A command that reads nothing may be gone by now.
        let _unread = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        child.wait_with_output().await.expect("it ends")
    }

    /// Runs a command that succeeds, and reads its answer.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat()).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Runs a command that fails with this exit code, and says this.
    pub(crate) async fn expect_failure(&self, arguments: &[&str], code: i32, says: &str) {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }

    pub(crate) async fn log_in(&self, email: &str) {
        let output = self.run_with(&["login", "--email", email, "--password-stdin"], &format!("{PASSWORD}\n")).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// ASVS: V8.2.1
#[tokio::test]
async fn a_stranger_looks_around_as_a_guest_by_the_command_line() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let (guest, owner) =
        (Terminal { stack: &stack, name: "guest.toml" }, Terminal { stack: &stack, name: "owner.toml" });
    guest.expect_failure(&["login", "--guest"], 1, "GUESTS_NOT_ALLOWED").await;
    guest.expect_failure(&["whoami"], 3, "nobody is logged in").await;
    owner.log_in(ADMIN).await;
    let home =
        text(&owner.ask(&["organizations", "settings", "set", "--guests", "true"]).await["settings"], "organizationId")
            .to_owned();
    let begun = guest.ask(&["login", "--guest"]).await;
    assert_eq!(text(&begun, "organizationId"), home);
    let mine = guest.ask(&["access", "mine"]).await;
    assert_eq!((text(&mine, "subjectId"), text(&mine, "organizationId")), (text(&begun, "guestId"), home.as_str()));
    assert_eq!(mine["roles"], serde_json::json!(["GUEST"]));
    guest.expect_failure(&["whoami"], 3, "CALLER_KIND_REFUSED").await;
    guest.expect_failure(&["users", "list"], 3, "PERMISSION_MISSING").await;
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(stack.folder().join("guest.toml")).expect("kept").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let nowhere = ["login", "--guest", "--organization", "01890a5d-ac96-774b-bcce-b302099a8057"];
    guest.expect_failure(&nowhere, 1, "GUESTS_NOT_ALLOWED").await;
    guest.ask(&["access", "mine"]).await;
    guest.ask(&["login", "--guest", "--organization", &home]).await;
    for wrong in [
        &["login"][..],
        &["login", "--guest", "--email", ADMIN],
        &["login", "--guest", "--password-stdin"],
        &["login", "--email", ADMIN, "--organization", &home],
    ] {
        guest.expect_failure(wrong, 2, "Usage:").await;
    }
    assert!(guest.run(&["logout"]).await.status.success());
    guest.expect_failure(&["access", "mine"], 3, "nobody is logged in").await;
    admin.account().get_account(identity::GetAccountRequest {}).await.expect("nobody else is logged out");
}

/// ASVS: T18
#[tokio::test]
async fn an_administrator_acts_as_somebody_by_the_command_line() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let person = world::member(&stack, &admin, "pat@home.example", &["GUEST"]).await;
    let terminal = Terminal { stack: &stack, name: "admin.toml" };
    let act = ["impersonate", "--user", &person.id, "--reason", "cannot find the dataset"];
    terminal.expect_failure(&act, 3, "nobody is logged in").await;
    terminal.log_in(ADMIN).await;
    let begun = terminal.ask(&act).await;
    assert_eq!(text(&begun, "subjectId"), person.id);
    let acting = Actor::bearer(&stack, text(&begun, "accessToken"));
    let seen = look(&acting).await.expect("open");
    assert_eq!((&seen.subject_id, &seen.impersonator_id, seen.read_only), (&person.id, &admin.id, true));
    let mail = stack.mailbox.wait_for("pat@home.example", "acts as you").await;
    assert!(mail.text.contains("cannot find the dataset"), "{}", mail.text);
    assert_eq!(text(&terminal.ask(&["whoami"]).await["user"], "email"), ADMIN, "the own login stays");
    let ended = ["sessions", "revoke", "--user", &person.id, text(&begun, "sessionId")];
    assert_eq!(terminal.ask(&ended).await["revokedCount"], 1);
    assert!(eventually(|| look(&acting), Result::is_err).await.is_err());
    let changing = terminal.ask(&[&act[..], &["--read-write", "--minutes", "1"]].concat()).await;
    let changing = Actor::bearer(&stack, text(&changing, "accessToken"));
    assert!(!look(&changing).await.expect("open").read_only);
    let shown = terminal.run(&act).await;
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert!(shown.contains("access token") && shown.contains(&person.id), "{shown}");
}

/// ASVS: T18
#[tokio::test]
async fn acting_that_is_not_possible_is_refused_by_the_command_line() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let person = world::member(&stack, &admin, "pat@home.example", &["GUEST"]).await;
    let terminal = Terminal { stack: &stack, name: "admin.toml" };
    terminal.log_in(ADMIN).await;
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    terminal.expect_failure(&["impersonate", "--user", unknown, "--reason", "a test"], 4, "USER_NOT_FOUND").await;
    terminal.expect_failure(&["impersonate", "--user", &admin.id, "--reason", "a test"], 3, "SELF_REFUSED").await;
    terminal.expect_failure(&["impersonate", "--user", &person.id, "--reason", ""], 1, "reason").await;
    for wrong in [
        &["impersonate", "--user", &person.id][..],
        &["impersonate", "--reason", "a test"],
        &["impersonate", "--user", &person.id, "--guest-of", unknown, "--reason", "a test"],
    ] {
        terminal.expect_failure(wrong, 2, "Usage:").await;
    }
    let long = ["impersonate", "--user", &person.id, "--reason", "a test", "--minutes", "31"];
    terminal.expect_failure(&long, 2, "--minutes").await;
    let other = Terminal { stack: &stack, name: "pat.toml" };
    other.log_in("pat@home.example").await;
    other.expect_failure(&["impersonate", "--user", &admin.id, "--reason", "a test"], 3, "PERMISSION_MISSING").await;
}

async fn look(actor: &Actor) -> Result<organization::GetMyAccessResponse, tonic::Status> {
    Ok(actor.access().get_my_access(organization::GetMyAccessRequest {}).await?.into_inner())
}
