//! Logins against a model: whatever people, thieves and administrators do in whatever order, nobody gets tokens while
//! something is due, and whoever does all that is due gets them.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rolecall_api::identity::v1::answer_challenge_request::Answer;
use rolecall_api::identity::v1::{BeginTotp, ChallengeKind, TotpEnrollment};
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Status;

use crate::authenticator::{Authenticator, Step, new_password, totp};
use crate::harness::{ADMIN, PASSWORD, World};

/// What somebody does next.
#[derive(Debug, Clone)]
enum Action {
    /// Logs in, with the right password or with another.
    LogIn { right: bool },
    /// Answers one of the challenges, open or not.
    Answer { challenge: usize, answer: Given },
    /// The organization demands a factor, or stops it.
    Demand(bool),
    /// An administrator demands a new password.
    DemandPassword,
    /// An administrator removes the factors.
    ResetFactors,
    /// The person is blocked, or unblocked.
    Block(bool),
    /// Time goes by.
    Wait(u64),
}

#[derive(Debug, Clone)]
enum Given {
    /// What the app shows: the person's own, or the one that the challenge is setting up.
    RightCode,
    WrongCode,
    RecoveryCode(usize),
    UsedRecoveryCode,
    BeginTotp,
    NewPassword,
    SamePassword,
}

fn action() -> impl Strategy<Value = Action> {
    let given = prop_oneof![
        6 => Just(Given::RightCode),
        1 => Just(Given::WrongCode),
        2 => (0..10_usize).prop_map(Given::RecoveryCode),
        1 => Just(Given::UsedRecoveryCode),
        3 => Just(Given::BeginTotp),
        4 => Just(Given::NewPassword),
        1 => Just(Given::SamePassword),
    ];
    prop_oneof![
        5 => any::<bool>().prop_map(|right| Action::LogIn { right }),
        14 => (0..4_usize, given).prop_map(|(challenge, answer)| Action::Answer { challenge, answer }),
        2 => any::<bool>().prop_map(Action::Demand),
        1 => Just(Action::DemandPassword),
        1 => Just(Action::ResetFactors),
        1 => any::<bool>().prop_map(Action::Block),
        3 => prop_oneof![Just(30_u64), Just(31), Just(300), Just(599), Just(600)].prop_map(Action::Wait),
    ]
}

/// What the model knows of a challenge.
#[derive(Debug, Clone)]
struct Open {
    token: String,
    proved_factor: bool,
    ends: u64,
    app: Option<Authenticator>,
    /// What was proved is still so.
    valid: bool,
}

/// What must be true, told apart from the code that makes it so.
#[derive(Debug, Default)]
struct Model {
    now: u64,
    password: String,
    passwords: usize,
    demands_factor: bool,
    demands_password: bool,
    blocked: bool,
    app: Option<Authenticator>,
    /// When each app's last code was used, in steps.
    last_step: u64,
    recovery_codes: Vec<String>,
    used: HashSet<String>,
    challenges: Vec<Open>,
    wrong_passwords: usize,
    wrong_codes: usize,
    wrong_recovery_codes: usize,
}

/// What the model expects of a login or an answer.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Tokens,
    Challenge(ChallengeKind),
    Refused,
}

/// As many failures in a row as cost nothing; the generator's further ones are not made.
const FREE: usize = 5;

impl Model {
    fn step(&self) -> u64 {
        self.now / 30
    }

    /// What is due of somebody who proved this much.
    fn due(&self, proved_factor: bool) -> Expected {
        match (proved_factor, self.app.is_some(), self.demands_factor, self.demands_password) {
            (false, true, _, _) => Expected::Challenge(ChallengeKind::Factor),
            (false, false, true, _) => Expected::Challenge(ChallengeKind::EnrollFactor),
            (_, _, _, true) => Expected::Challenge(ChallengeKind::ChangePassword),
            (true, _, _, false) | (false, false, false, false) => Expected::Tokens,
        }
    }

    /// A blocked person fails like one with a wrong password.
    fn log_in(&mut self, right: bool) -> Expected {
        if right && !self.blocked {
            return self.due(false);
        }
        self.wrong_passwords += 1;
        Expected::Refused
    }

    /// Everything but this challenge ends, because a factor or the password is another.
    fn end_challenges(&mut self) {
        self.challenges.iter_mut().for_each(|challenge| challenge.valid = false);
    }

    fn is_open(&self, index: usize) -> bool {
        let challenge = &self.challenges[index];
        challenge.valid && self.now < challenge.ends && !self.blocked
    }

    /// Whether a code of this app counts now; uses it up if it does.
    fn use_code(&mut self) -> bool {
        let fresh = self.step() > self.last_step;
        if fresh {
            self.last_step = self.step();
            self.wrong_codes = 0;
        } else {
            self.wrong_codes += 1;
        }
        fresh
    }

    fn use_recovery_code(&mut self, code: &str) -> bool {
        let good = self.recovery_codes.iter().any(|known| known == code) && self.used.insert(code.to_owned());
        self.wrong_recovery_codes = if good { 0 } else { self.wrong_recovery_codes + 1 };
        good
    }
}

struct Run<'a> {
    world: &'a World,
    user_id: String,
    model: Model,
}

impl Run<'_> {
    async fn act(&mut self, action: &Action) {
        match action {
            Action::LogIn { right } => self.log_in(*right).await,
            Action::Answer { challenge, answer } if !self.model.challenges.is_empty() => {
                let index = challenge % self.model.challenges.len();
                self.answer(self.model.challenges.len() - 1 - index, answer).await;
            }
            Action::Answer { .. } => {}
            Action::Demand(demand) => {
                self.model.demands_factor = *demand;
                if *demand {
                    self.world.require_mfa();
                } else {
                    self.world.peers.known().mfa_required.clear();
                }
            }
            Action::DemandPassword => {
                self.model.demands_password = true;
                self.world.execute("UPDATE credentials SET change_required = true").await;
            }
            Action::ResetFactors => self.reset_factors().await,
            Action::Block(blocked) => {
                self.model.blocked = *blocked;
                let mut known = self.world.peers.known();
                known.members.get_mut(&self.user_id).expect("a member").blocked = *blocked;
            }
            Action::Wait(seconds) => {
                self.world.clock.advance(Duration::from_secs(*seconds));
                self.model.now += seconds;
            }
        }
    }

    async fn log_in(&mut self, right: bool) {
        if (!right || self.model.blocked) && self.model.wrong_passwords >= FREE {
            return;
        }
        let password = if right { self.model.password.clone() } else { "not this one at all".to_owned() };
        let result = self.world.begin_log_in(ADMIN, &password).await;
        let expected = self.model.log_in(right);
        self.judge(result.map(|step| (step, Vec::new())), expected, false);
    }

    /// Compares what happened with what was expected, and takes note of a new challenge.
    #[expect(clippy::needless_pass_by_value, reason = "what happened is judged once")]
    fn judge(&mut self, result: Result<(Step, Vec<String>), Status>, expected: Expected, proved_factor: bool) {
        let happened = match &result {
            Ok((Step::Tokens(_), _)) => Expected::Tokens,
            Ok((Step::Challenge(challenge), _)) => Expected::Challenge(challenge.kind()),
            Err(_) => Expected::Refused,
        };
        assert_eq!(happened, expected, "{result:?} {:?}", self.model);
        match result {
            Ok((Step::Tokens(_), _)) => self.model.wrong_passwords = 0,
            Ok((Step::Challenge(challenge), _)) => {
                let (token, ends) = (challenge.challenge_token, self.model.now + 600);
                self.model.challenges.push(Open { token, proved_factor, ends, app: None, valid: true });
            }
            Err(_) => {}
        }
    }

    async fn answer(&mut self, index: usize, given: &Given) {
        let challenge = self.model.challenges[index].clone();
        let Some(answer) = self.spell(&challenge, given) else { return };
        let result = self.world.answer_with_codes(&challenge.token, answer.clone()).await;
        if !self.model.is_open(index) {
            assert!(result.is_err(), "a challenge that ended: {given:?} {:?}", self.model);
            return;
        }
        match self.model.due(challenge.proved_factor) {
            Expected::Challenge(ChallengeKind::Factor) => self.answered_factor(index, &answer, result),
            Expected::Challenge(ChallengeKind::EnrollFactor) => self.answered_enrollment(index, &answer, result),
            Expected::Challenge(ChallengeKind::ChangePassword) => self.answered_password(index, given, result),
            Expected::Tokens => self.answered_nothing(index, &answer, result),
            Expected::Challenge(ChallengeKind::Unspecified) | Expected::Refused => unreachable!("never due"),
        }
    }

    /// The answer as it is sent; none for failures beyond those that cost nothing.
    fn spell(&self, challenge: &Open, given: &Given) -> Option<Answer> {
        let now = self.world.clock.now();
        let app = challenge.app.as_ref().or(self.model.app.as_ref());
        let may_fail = self.model.wrong_codes < FREE;
        let may_fail_recovery = self.model.wrong_recovery_codes < FREE;
        match given {
            Given::RightCode => app.filter(|_| may_fail).map(|app| totp(app.code(now))),
            Given::WrongCode => app.filter(|_| may_fail).map(|app| totp(app.wrong_code(now))),
            Given::RecoveryCode(index) => {
                let code = self.model.recovery_codes.get(*index).filter(|_| may_fail_recovery);
                code.cloned().map(Answer::RecoveryCode)
            }
            Given::UsedRecoveryCode => {
                self.model.used.iter().next().filter(|_| may_fail_recovery).cloned().map(Answer::RecoveryCode)
            }
            Given::BeginTotp => Some(Answer::BeginTotp(BeginTotp::default())),
            Given::NewPassword => Some(new_password(&format!("{PASSWORD} {}", self.model.passwords + 1))),
            Given::SamePassword => Some(new_password(&self.model.password)),
        }
    }

    fn answered_factor(&mut self, index: usize, answer: &Answer, result: Result<(Step, Vec<String>), Status>) {
        let is_right = match answer {
            Answer::TotpCode(code) => {
                let app = self.model.app.clone().expect("a factor is due");
                if *code == app.code(self.world.clock.now()) {
                    self.model.use_code()
                } else {
                    self.model.wrong_codes += 1;
                    false
                }
            }
            Answer::RecoveryCode(code) => self.model.use_recovery_code(&code.clone()),
            Answer::BeginTotp(_) | Answer::NewPassword(_) => false,
        };
        if is_right {
            self.model.challenges[index].valid = false;
            let expected = self.model.due(true);
            self.judge(result, expected, true);
        } else {
            self.judge(result, Expected::Refused, true);
        }
    }

    fn answered_enrollment(&mut self, index: usize, answer: &Answer, result: Result<(Step, Vec<String>), Status>) {
        match answer {
            Answer::BeginTotp(_) => {
                let (step, _) = result.expect("it is due");
                let shown: TotpEnrollment =
                    step.challenge(ChallengeKind::EnrollFactor).totp_enrollment.expect("an enrolment");
                // A newer beginning replaces an older one, also that of another login.
                self.model.challenges.iter_mut().for_each(|challenge| challenge.app = None);
                self.model.challenges[index].app = Some(Authenticator::new(&shown));
            }
            Answer::TotpCode(code) => {
                let app = self.model.challenges[index].app.clone();
                let app = app.filter(|app| *code == app.code(self.world.clock.now()));
                let Some(app) = app else { return self.judge(result, Expected::Refused, false) };
                let codes = result.as_ref().map(|(_, codes)| codes.clone()).unwrap_or_default();
                assert_eq!(codes.len(), 10);
                self.model.end_challenges();
                (self.model.app, self.model.recovery_codes) = (Some(app), codes);
                (self.model.last_step, self.model.wrong_codes) = (self.model.step(), 0);
                self.model.wrong_recovery_codes = 0;
                let expected = self.model.due(true);
                self.judge(result, expected, true);
            }
            Answer::RecoveryCode(_) | Answer::NewPassword(_) => self.judge(result, Expected::Refused, false),
        }
    }

    fn answered_password(&mut self, index: usize, given: &Given, result: Result<(Step, Vec<String>), Status>) {
        let proved = self.model.challenges[index].proved_factor;
        if !matches!(given, Given::NewPassword) {
            return self.judge(result, Expected::Refused, proved);
        }
        self.model.end_challenges();
        self.model.passwords += 1;
        self.model.password = format!("{PASSWORD} {}", self.model.passwords);
        self.model.demands_password = false;
        let expected = self.model.due(proved);
        self.judge(result, expected, proved);
    }

    /// What was asked for is asked for no more: any code opens, and nothing else is an answer.
    fn answered_nothing(&mut self, index: usize, answer: &Answer, result: Result<(Step, Vec<String>), Status>) {
        if matches!(answer, Answer::TotpCode(_) | Answer::RecoveryCode(_)) {
            self.model.challenges[index].valid = false;
            self.judge(result, Expected::Tokens, false);
        } else {
            self.judge(result, Expected::Refused, false);
        }
    }

    async fn reset_factors(&mut self) {
        for table in ["factors", "recovery_codes", "challenges"] {
            self.world.execute(&format!("DELETE FROM {table}")).await;
        }
        self.model.end_challenges();
        (self.model.app, self.model.recovery_codes) = (None, Vec::new());
    }
}

/// Few on each test run; the seed is printed, so that a failure can be repeated.
const SEQUENCES: u32 = 6;
const LENGTH: usize = 60;

async fn explore(world: &World, user_id: &str, seed: u64) {
    println!("seed {seed}");
    let bytes = [seed.to_be_bytes(); 4].concat();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let sequence = proptest::collection::vec(action(), LENGTH);
    let actions = sequence.new_tree(&mut runner).expect("a sequence").current();
    let now = u64::try_from(world.clock.now().as_seconds()).expect("after 1970");
    let model = Model { now, password: PASSWORD.to_owned(), ..Model::default() };
    let mut run = Run { world, user_id: user_id.to_owned(), model };
    for (index, action) in actions.iter().enumerate() {
        println!("{index}: {action:?}");
        run.act(action).await;
    }
}

fn seed() -> u64 {
    use rolecall_kernel::entropy::{Entropy as _, SystemEntropy};
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// Makes all as it was at the beginning, but for the time.
async fn begin_anew(world: &World, user_id: &str, password_hash: &str) {
    for table in ["factors", "recovery_codes", "challenges", "sessions", "login_failures"] {
        world.execute(&format!("DELETE FROM {table}")).await;
    }
    world.execute(&format!("UPDATE credentials SET password_hash = '{password_hash}', change_required = false")).await;
    let mut known = world.peers.known();
    known.mfa_required.clear();
    known.members.get_mut(user_id).expect("a member").blocked = false;
}

on_each_database! {
    /// ASVS: T06
    async fn asvs_v2_3_1_no_sequence_reaches_tokens_without_what_is_due(database) {
        let (world, user) = World::bootstrapped(&database).await;
        let reader = world.db.reader();
        let text = "SELECT password_hash FROM credentials";
        let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), text)).await;
        let hash: String = row.expect("read").expect("a row").try_get_by_index(0).expect("text");
        for _ in 0..SEQUENCES {
            begin_anew(&world, &user.user_id, &hash).await;
            explore(&world, &user.user_id, seed()).await;
        }
    }
}
