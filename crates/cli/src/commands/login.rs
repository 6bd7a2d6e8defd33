//! Logging in, step by step until there are tokens.

use clap::Args;
use rolecall_api::identity::v1::answer_challenge_request::Answer as Given;
use rolecall_api::identity::v1::answer_challenge_response::Outcome as Led;
use rolecall_api::identity::v1::authentication_service_client::AuthenticationServiceClient;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::identity::v1::{
    AnswerChallengeRequest, BeginTotp, Challenge, ChallengeKind, LogInAsGuestRequest, LogInRequest, NewPassword,
    Tokens, TotpEnrollment,
};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::codes::Code;
use super::sign_on::SignOn;
use crate::connection::{Connection, RemoteArgs, Wire};
use crate::failure::{Failure, printable};
use crate::output::{Answer, View};
use crate::secrets::Secrets;

/// What `login` takes.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of a command")]
pub struct Login {
    /// E-mail address
    #[arg(long, required_unless_present_any = ["guest", "sso"])]
    email: Option<String>,
    /// Log in at the identity provider of your organization, with your browser
    #[arg(long, conflicts_with_all = ["guest", "password_stdin", "totp_stdin", "mailed_code"])]
    sso: bool,
    #[command(flatten)]
    sign_on: SignOn,
    /// Look around as a guest, without an account
    #[arg(long, conflicts_with_all = ["email", "password_stdin", "totp_stdin", "mailed_code", "audience"])]
    guest: bool,
    /// Id of the organization to look around in, the home organization when absent; with `--sso` that whose provider it is
    #[arg(long, conflicts_with = "email", default_value = "", hide_default_value = true)]
    organization: String,
    /// Read the password from standard input, one line; also a new one, if that is asked for
    #[arg(long)]
    password_stdin: bool,
    /// Read the code of the second factor from standard input, one line after the password
    #[arg(long)]
    totp_stdin: bool,
    /// Also give the code of a mail about failed logins; read after the password
    #[arg(long = "login-code")]
    mailed_code: bool,
    /// The backend that the access tokens shall be for; Rolecall itself when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    audience: String,
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// A login that is under way.
struct Conversation {
    client: AuthenticationServiceClient<Wire>,
    passwords: Secrets,
    codes: Secrets,
    recovery_codes: Vec<String>,
}

/// What a step of a login led to.
enum Step {
    Tokens(Tokens),
    Challenge(Challenge),
}

impl Login {
    pub(crate) async fn run(self, connection: &Connection) -> Result<Answer, Failure> {
        if self.sso {
            return self.sign_on.run(connection, self.email, self.organization, self.audience).await;
        }
        self.sign_on.refuse()?;
        let Some(email) = self.email else { return log_in_as_guest(connection, self.organization).await };
        let mut conversation = Conversation {
            client: AuthenticationServiceClient::new(connection.public()),
            passwords: Secrets::from_flag(self.password_stdin),
            codes: Secrets::from_flag(self.totp_stdin),
            recovery_codes: Vec::new(),
        };
        let request = LogInRequest {
            device_token: connection.device_token(&email)?,
            email: email.clone(),
            audience: self.audience,
            ..LogInRequest::default()
        };
        let tokens = conversation.log_in(request, self.mailed_code).await?;
        connection.keep_device(&email, &tokens)?;
        connection.keep(&tokens)?;
        let codes = conversation.recovery_codes;
        let text = sentence(connection.server(), &email, &codes);
        let value = json!({
            "userId": tokens.user_id,
            "sessionId": tokens.session_id,
            "email": email,
            "recoveryCodes": codes,
        });
        Ok(Answer::json(value, View::Sentence(text)))
    }
}

async fn log_in_as_guest(connection: &Connection, organization_id: String) -> Result<Answer, Failure> {
    let request = LogInAsGuestRequest { organization_id };
    let answer = AuthenticationServiceClient::new(connection.public()).log_in_as_guest(request).await?.into_inner();
    let tokens = answer.tokens.unwrap_or_default();
    connection.keep(&tokens)?;
    let value = json!({ "guestId": tokens.guest_id, "organizationId": answer.organization_id });
    let text =
        format!("looking around at {} as a guest of {}", connection.server(), printable(&answer.organization_id));
    Ok(Answer::json(value, View::Sentence(text)))
}

fn sentence(server: &str, email: &str, recovery_codes: &[String]) -> String {
    let text = format!("logged in at {server} as {email}");
    if recovery_codes.is_empty() { text } else { format!("{text}\n\n{}", recovery_code_list(recovery_codes)) }
}

/// Shows recovery codes, which are shown once.
pub(crate) fn recovery_code_list(codes: &[String]) -> String {
    let list: Vec<String> = codes.iter().map(|code| format!("  {}", printable(code))).collect();
    format!("recovery codes, each good once instead of the app; keep them apart from it:\n{}", list.join("\n"))
}

/// Shows what an authenticator app needs.
pub(crate) fn enrollment_text(enrollment: &TotpEnrollment) -> String {
    format!(
        "set up your authenticator app with this secret:\n  {}\nor with this address:\n  {}",
        printable(&enrollment.secret),
        printable(&enrollment.otpauth_uri)
    )
}

fn unknown() -> Failure {
    Failure::Local("the server asks for something that this version does not know; update it".to_owned())
}

impl Conversation {
    async fn log_in(&mut self, request: LogInRequest, needs_code: bool) -> Result<Tokens, Failure> {
        let password = self.passwords.read("Password")?.expose_secret().to_owned();
        let code = needs_code.then(|| self.passwords.read("Code of the mail")).transpose()?;
        let login_code = code.map(|code| code.expose_secret().trim().to_owned()).unwrap_or_default();
        let request = LogInRequest { password, login_code, ..request };
        let mut step = match self.client.log_in(request).await?.into_inner().outcome.ok_or_else(unknown)? {
            Outcome::Tokens(tokens) => Step::Tokens(tokens),
            Outcome::Challenge(challenge) => Step::Challenge(challenge),
        };
        loop {
            match step {
                Step::Tokens(tokens) => return Ok(tokens),
                Step::Challenge(challenge) => step = self.follow(&challenge).await?,
            }
        }
    }

    /// Does what is due.
    async fn follow(&mut self, challenge: &Challenge) -> Result<Step, Failure> {
        let token = &challenge.challenge_token;
        match challenge.kind() {
            ChallengeKind::Factor => {
                let codes = self.codes;
                self.answer_with(token, || Code::read(codes).map(Given::from)).await
            }
            ChallengeKind::EnrollFactor => self.enroll(token).await,
            ChallengeKind::ChangePassword => {
                eprintln!("your password must be changed");
                let password = self.passwords.read_new("New password")?;
                let (password, password_confirmation) =
                    (password.expose_secret().to_owned(), password.expose_secret().to_owned());
                self.answer(token, Given::NewPassword(NewPassword { password, password_confirmation })).await
            }
            ChallengeKind::Unspecified => Err(unknown()),
        }
    }

    async fn enroll(&mut self, token: &str) -> Result<Step, Failure> {
        let begin = Given::BeginTotp(BeginTotp { name: String::new() });
        let Step::Challenge(Challenge { totp_enrollment: Some(enrollment), .. }) = self.answer(token, begin).await?
        else {
            return Err(unknown());
        };
        eprintln!("your organization demands a second factor; {}", enrollment_text(&enrollment));
        let codes = self.codes;
        self.answer_with(token, || Code::read_first(codes).map(Given::TotpCode)).await
    }

    /// Answers, and asks again after a wrong code while somebody is there to ask.
    async fn answer_with(&mut self, token: &str, read: impl Fn() -> Result<Given, Failure>) -> Result<Step, Failure> {
        loop {
            match self.answer(token, read()?).await {
                Err(failure) if self.codes.is_prompt() && failure.has_reason("FACTOR_CODE_REFUSED") => {
                    eprintln!("{failure}");
                }
                answered => return answered,
            }
        }
    }

    async fn answer(&mut self, token: &str, answer: Given) -> Result<Step, Failure> {
        let request = AnswerChallengeRequest { challenge_token: token.to_owned(), answer: Some(answer) };
        let answered = self.client.answer_challenge(request).await?.into_inner();
        self.recovery_codes.extend(answered.recovery_codes);
        match answered.outcome.ok_or_else(unknown)? {
            Led::Tokens(tokens) => Ok(Step::Tokens(tokens)),
            Led::Challenge(challenge) => Ok(Step::Challenge(challenge)),
        }
    }
}
