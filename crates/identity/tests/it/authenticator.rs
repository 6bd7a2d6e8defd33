//! A person with an authenticator app: logs in step by step, enrols, answers.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::log_in_response::Outcome as LoggedIn;
use rolecall_api::identity::v1::reauthenticate_request::Factor as Shown;
use rolecall_api::identity::v1::*;
use rolecall_kernel::time::{Clock as _, Timestamp};
use sha1::Sha1;
use tonic::Status;

use crate::harness::{World, bearer};

/// An app that shows codes; written apart from the code that it tests.
#[derive(Debug, Clone)]
pub(crate) struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Takes the secret as the person would type it.
    pub(crate) fn new(enrollment: &TotpEnrollment) -> Self {
        Self(BASE32_NOPAD.decode(enrollment.secret.as_bytes()).expect("Base32"))
    }

    /// What the app shows.
    pub(crate) fn code(&self, now: Timestamp) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("a key");
        mac.update(&u64::try_from(now.as_seconds() / 30).expect("after 1970").to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest[19] & 15);
        let word: [u8; 4] = digest[offset..offset + 4].try_into().expect("four bytes");
        format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000)
    }

    /// A code that the app shows neither now nor a step ago.
    pub(crate) fn wrong_code(&self, now: Timestamp) -> String {
        let right = [self.code(now), self.code(now.minus(std::time::Duration::from_secs(30)))];
        let candidates = ["000000", "111111", "222222"].into_iter();
        candidates.map(str::to_owned).find(|code| !right.contains(code)).expect("two of three at most are right")
    }
}

/// What a login or an answer led to.
#[derive(Debug)]
pub(crate) enum Step {
    /// The person is in.
    Tokens(Tokens),
    /// More is due.
    Challenge(Challenge),
}

impl Step {
    #[track_caller]
    pub(crate) fn tokens(self) -> Tokens {
        match self {
            Self::Tokens(tokens) => tokens,
            Self::Challenge(challenge) => panic!("a challenge: {:?}", challenge.kind()),
        }
    }

    #[track_caller]
    pub(crate) fn challenge(self, kind: ChallengeKind) -> Challenge {
        match self {
            Self::Challenge(challenge) => {
                assert_eq!(challenge.kind(), kind);
                challenge
            }
            Self::Tokens(_) => panic!("tokens"),
        }
    }
}

pub(crate) fn totp(code: String) -> Answer {
    Answer::TotpCode(code)
}

pub(crate) fn new_password(password: &str) -> Answer {
    let (password, password_confirmation) = (password.to_owned(), password.to_owned());
    Answer::NewPassword(NewPassword { password, password_confirmation })
}

impl World {
    /// Makes every organization demand a second factor.
    pub(crate) fn require_mfa(&self) {
        let mut known = self.peers.known();
        known.mfa_required = known.organizations.keys().cloned().collect();
    }

    pub(crate) async fn begin_log_in(&self, email: &str, password: &str) -> Result<Step, Status> {
        let request = LogInRequest { email: email.to_owned(), password: password.to_owned(), ..Default::default() };
        match self.authentication().log_in(request).await?.into_inner().outcome.expect("an outcome") {
            LoggedIn::Tokens(tokens) => Ok(Step::Tokens(tokens)),
            LoggedIn::Challenge(challenge) => Ok(Step::Challenge(challenge)),
        }
    }

    /// Answers a challenge; also returns the recovery codes.
    pub(crate) async fn answer_with_codes(&self, token: &str, answer: Answer) -> Result<(Step, Vec<String>), Status> {
        let request = AnswerChallengeRequest { challenge_token: token.to_owned(), answer: Some(answer) };
        let answered = self.authentication().answer_challenge(request).await?.into_inner();
        let step = match answered.outcome.expect("an outcome") {
            answer_challenge_response::Outcome::Tokens(tokens) => Step::Tokens(tokens),
            answer_challenge_response::Outcome::Challenge(challenge) => Step::Challenge(challenge),
        };
        Ok((step, answered.recovery_codes))
    }

    pub(crate) async fn answer(&self, token: &str, answer: Answer) -> Result<Step, Status> {
        Ok(self.answer_with_codes(token, answer).await?.0)
    }

    /// Adds an app to an account whose person has just logged in; returns it with the recovery codes.
    pub(crate) async fn enroll(&self, token: &str) -> (Authenticator, Vec<String>) {
        let begun = self.accounts().enroll_totp(bearer(token, EnrollTotpRequest::default())).await.expect("begun");
        let enrollment = begun.into_inner().enrollment.expect("an enrolment");
        let app = Authenticator::new(&enrollment);
        let request = ConfirmTotpRequest { factor_id: enrollment.factor_id, code: app.code(self.clock.now()) };
        let confirmed = self.accounts().confirm_totp(bearer(token, request)).await.expect("confirmed").into_inner();
        (app, confirmed.recovery_codes)
    }

    /// Logs in with password and code, in a step of its own.
    pub(crate) async fn log_in_with(&self, email: &str, app: &Authenticator) -> Tokens {
        self.next_step();
        let begun = self.begin_log_in(email, crate::harness::PASSWORD).await.expect("begun");
        let challenge = begun.challenge(ChallengeKind::Factor);
        let code = totp(app.code(self.clock.now()));
        self.answer(&challenge.challenge_token, code).await.expect("answered").tokens()
    }

    /// Moves the clock on until apps show another code.
    pub(crate) fn next_step(&self) {
        self.clock.advance(std::time::Duration::from_secs(30));
    }

    pub(crate) async fn reauthenticate(
        &self,
        token: &str,
        password: &str,
        factor: Option<Shown>,
    ) -> Result<String, Status> {
        let request = ReauthenticateRequest { password: password.to_owned(), factor };
        let answer = self.authentication().reauthenticate(bearer(token, request)).await?;
        Ok(answer.into_inner().access_token)
    }

    /// The names of the events that the audit log got.
    pub(crate) async fn told(&self) -> Vec<String> {
        self.identity.relay().drain().await;
        self.peers.topics()
    }

    pub(crate) async fn is_let_in(&self, token: &str) -> bool {
        self.accounts().get_account(bearer(token, GetAccountRequest {})).await.is_ok()
    }

    /// Runs a statement past all rules.
    pub(crate) async fn execute(&self, sql: &str) {
        use sea_orm::ConnectionTrait as _;
        let done = self.db.write(|tx| async move {
            tx.execute_unprepared(sql).await.map_err(rolecall_db::Error::from)?;
            Ok::<_, rolecall_db::Error>(())
        });
        done.await.expect("executed");
    }
}

/// The claims of an access token.
pub(crate) fn claims(token: &str) -> serde_json::Value {
    use base64::Engine as _;
    let body = token.split('.').nth(1).expect("three parts");
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body).expect("base64");
    serde_json::from_slice(&json).expect("JSON")
}
