//! The story of second factors: demanded at the first login, shown at the next ones, lost, and reset.

use std::process::Stdio;

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::answer_challenge_response::Outcome as Led;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::authenticator::Authenticator;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack, binary};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tonic::{Code, Status};

use crate::world;

const PERSON: &str = "pat@home.example";

#[tokio::test]
async fn second_factors_are_demanded_shown_and_reset_on_sqlite() {
    tell(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn second_factors_are_demanded_shown_and_reset_on_postgres() {
    tell(world::ONE_POSTGRES).await;
}

#[tokio::test]
async fn the_command_line_goes_through_logins_with_a_second_factor() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let required = identity::MfaPolicy::Required.into();
    let request = identity::BootstrapRequest { mfa_policy: required, ..world::bootstrap_request(stack.setup_secret()) };
    Actor::anonymous(&stack).instance().bootstrap(request).await.expect("the first bootstrap works");
    let login = ["login", "--email", world::ADMIN, "--password-stdin", "--totp-stdin"];
    let mut first = Cli::start(&stack, &login);
    first.write(PASSWORD).await;
    let app = Authenticator::of_secret(&first.line_after("with this secret:").await);
    first.write(&app.previous_code().await).await;
    let shown = first.finish().await;
    let code = shown.lines().last().expect("recovery codes").trim().to_owned();
    let mut second = Cli::start(&stack, &login);
    second.write(&format!("{PASSWORD}\n{}", app.code_of_now().await)).await;
    assert!(second.finish().await.contains("logged in at"));
    let mut proof = Cli::start(&stack, &["reauthenticate", "--password-stdin", "--totp-stdin"]);
    proof.write(&format!("{PASSWORD}\n{code}")).await;
    assert!(proof.finish().await.contains("Proved"));
    let listed = Cli::start(&stack, &["factors", "list"]).finish().await;
    assert!(listed.contains("recovery codes left  9") && listed.contains("Authenticator app"), "{listed}");
    let fresh = Cli::start(&stack, &["factors", "recovery-codes"]).finish().await;
    assert!(!fresh.contains(&code) && fresh.lines().count() == 11, "{fresh}");
}

/// A command that is running, its secrets on standard input.
struct Cli {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Cli {
    fn start(stack: &Stack, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments).args(["--server", &stack.address("identity")]);
        command.arg("--token-file").arg(stack.folder().join("tokens.toml"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the command starts");
        let said = BufReader::new(child.stderr.take().expect("standard error")).lines();
        Self { child, said }
    }

    async fn write(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("standard input");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
        stdin.flush().await.expect("it reads");
    }

    async fn line_after(&mut self, text: &str) -> String {
        while let Some(line) = self.said.next_line().await.expect("text") {
            if line.contains(text) {
                return self.said.next_line().await.expect("text").expect("another line").trim().to_owned();
            }
        }
        panic!("it never said: {text}");
    }

    async fn finish(mut self) -> String {
        drop(self.child.stdin.take());
        let mut said = String::new();
        while let Some(line) = self.said.next_line().await.expect("text") {
            said.push_str(&line);
        }
        let output = self.child.wait_with_output().await.expect("it ends");
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).expect("text")
    }
}

async fn tell(plan: Plan) {
    let stack = Stack::start(plan).await;
    let unspecified = identity::MfaPolicy::Unspecified.into();
    let request =
        identity::BootstrapRequest { mfa_policy: unspecified, ..world::bootstrap_request(stack.setup_secret()) };
    Actor::anonymous(&stack).instance().bootstrap(request).await.expect("the first bootstrap works");
    let (admin, _, app, codes) = first_login(&stack, world::ADMIN).await;
    let admin_again = log_in(&stack, world::ADMIN, Answer::TotpCode(app.code_of_now().await)).await.expect("logged in");
    refusal::expect_reason(
        log_in(&stack, world::ADMIN, Answer::TotpCode(app.code_of_now().await)).await,
        Code::Unauthenticated,
        "FACTOR_CODE_REFUSED",
    );
    let recovered = log_in(&stack, world::ADMIN, Answer::RecoveryCode(codes[0].clone())).await.expect("logged in");
    assert_eq!((admin.id.as_str(), recovered.id.as_str()), (admin_again.id.as_str(), admin.id.as_str()));
    somebody_loses_everything(&stack, &recovered).await;
    all_is_in_the_audit_log(&recovered).await;
}

/// Sets an app up as the first login demands; the last is what the login asks for at that.
async fn first_login(stack: &Stack, email: &str) -> (Actor, String, Authenticator, Vec<String>) {
    let challenge = begin(stack, email).await;
    assert_eq!(challenge.kind(), identity::ChallengeKind::EnrollFactor);
    let token = challenge.challenge_token;
    let begun = answer(stack, &token, Answer::BeginTotp(identity::BeginTotp::default())).await.expect("begun");
    let Some(Led::Challenge(shown)) = begun.outcome else { panic!("tokens before the factor") };
    let enrollment = shown.totp_enrollment.expect("what the app needs");
    let app = Authenticator::new(&enrollment);
    let done = answer(stack, &token, Answer::TotpCode(app.previous_code().await)).await.expect("confirmed");
    let Some(Led::Tokens(tokens)) = done.outcome else { panic!("no tokens after the factor") };
    assert_eq!(done.recovery_codes.len(), 10);
    (Actor::with_tokens(stack, tokens), enrollment.factor_id, app, done.recovery_codes)
}

async fn begin(stack: &Stack, email: &str) -> identity::Challenge {
    let request =
        identity::LogInRequest { email: email.to_owned(), password: PASSWORD.to_owned(), ..Default::default() };
    let answer = Actor::anonymous(stack).authentication().log_in(request).await.expect("the password is right");
    match answer.into_inner().outcome {
        Some(Outcome::Challenge(challenge)) => challenge,
        Some(Outcome::Tokens(_)) | None => panic!("no challenge"),
    }
}

async fn answer(stack: &Stack, token: &str, answer: Answer) -> Result<identity::AnswerChallengeResponse, Status> {
    let request = identity::AnswerChallengeRequest { challenge_token: token.to_owned(), answer: Some(answer) };
    Ok(Actor::anonymous(stack).authentication().answer_challenge(request).await?.into_inner())
}

async fn log_in(stack: &Stack, email: &str, code: Answer) -> Result<Actor, Status> {
    let challenge = begin(stack, email).await;
    assert_eq!(challenge.kind(), identity::ChallengeKind::Factor);
    match answer(stack, &challenge.challenge_token, code).await?.outcome {
        Some(Led::Tokens(tokens)) => Ok(Actor::with_tokens(stack, tokens)),
        Some(Led::Challenge(_)) | None => panic!("no tokens"),
    }
}

async fn somebody_loses_everything(stack: &Stack, admin: &Actor) {
    admin.users().create_user(world::create_user_request(PERSON, &["GUEST"])).await.expect("an account");
    let user = world::accept(stack, PERSON).await.expect("the person accepts");
    let (person, factor_id, ..) = first_login(stack, PERSON).await;
    let request = identity::RemoveFactorRequest { factor_id, ..Default::default() };
    let stays = person.account().remove_factor(request).await;
    refusal::expect_reason(stays, Code::FailedPrecondition, "FACTOR_REQUIRED");
    let request = identity::ResetUserFactorsRequest { user_id: user.user_id, ..Default::default() };
    admin.users().reset_user_factors(request).await.expect("reset");
    let over = person.account().get_account(identity::GetAccountRequest {}).await;
    refusal::expect_reason(over, Code::Unauthenticated, "SESSION_ENDED");
    first_login(stack, PERSON).await;
}

async fn all_is_in_the_audit_log(admin: &Actor) {
    for topic in
        ["identity.factor_added", "identity.recovery_code_used", "identity.login_failed", "identity.factors_reset"]
    {
        let list = || async {
            let request = rolecall_api::organization::v1::ListAuditEventsRequest {
                topic: topic.to_owned(),
                ..Default::default()
            };
            admin.audit().list_audit_events(request).await.expect("listed").into_inner().audit_events.len()
        };
        assert!(world::eventually(list, |events| *events > 0).await > 0, "{topic}");
    }
}
