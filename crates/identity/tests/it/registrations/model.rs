//! Registrations against a model: whatever people, strangers and administrators do in whatever order, an account comes
//! alive only by the newest code of its address, with a password of whoever reads the mail, and as `DATA_SCIENTIST`.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;

use super::{chosen, open, open_world, request, resend, typed, verify};
use crate::harness::{ADMIN, World, bearer, create_user, reason};
use crate::mailbox::{mails, wait_for_mails};

/// Whose addresses they are.
const PEOPLE: [&str; 2] = ["ada@example.org", "eva@example.org"];
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// What somebody does next.
#[derive(Debug, Clone)]
enum Action {
    /// Registers with the address, whoever that is, with a password of its own.
    Register { person: usize },
    /// Asks for another mail.
    Resend { person: usize },
    /// Uses one of the codes that were ever mailed to the address, the newest first.
    Verify { person: usize, code: usize, with: With },
    /// An administrator invites the address.
    Invite { person: usize },
    /// The organization is opened or closed.
    Open(bool),
    /// Time goes by.
    Wait(u64),
    /// What has ended is deleted.
    Sweep,
}

#[derive(Debug, Clone, Copy)]
enum With {
    /// The password of the newest registration.
    Registered,
    /// Another one.
    Wrong,
    /// One that the reader of the mail chooses now.
    New,
}

fn action() -> impl Strategy<Value = Action> {
    let person = 0..PEOPLE.len();
    let with = prop_oneof![3 => Just(With::Registered), 1 => Just(With::Wrong), 2 => Just(With::New)];
    prop_oneof![
        5 => person.clone().prop_map(|person| Action::Register { person }),
        2 => person.clone().prop_map(|person| Action::Resend { person }),
        8 => (person.clone(), 0..3_usize, with).prop_map(|(person, code, with)| Action::Verify { person, code, with }),
        1 => person.prop_map(|person| Action::Invite { person }),
        1 => any::<bool>().prop_map(Action::Open),
        4 => prop_oneof![Just(30), Just(HOUR), Just(DAY - 1), Just(DAY)].prop_map(Action::Wait),
        1 => Just(Action::Sweep),
    ]
}

/// What waits for the proof of an address.
#[derive(Debug, Clone)]
struct Waiting {
    password: String,
    ends: u64,
    failures: usize,
}

/// Whose account an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Account {
    None,
    /// Somebody made it, and nobody proved it.
    Unproven,
    /// It opens with this password.
    Proven(String),
}

#[derive(Debug, Clone)]
struct Person {
    account: Account,
    waiting: Option<Waiting>,
    /// Every code that was mailed, newest first; only the first can be good.
    codes: Vec<String>,
    /// Whether the newest code is that of what waits.
    is_newest_good: bool,
    /// When mails were caused by others.
    mailed: Vec<u64>,
}

/// What must be true, told apart from the code that makes it so.
#[derive(Debug)]
struct Model {
    now: u64,
    is_open: bool,
    passwords: usize,
    people: Vec<Person>,
}

/// As many failures in a row as cost nothing; the generator's further ones are not made.
const FREE: usize = 5;

impl Model {
    fn new() -> Self {
        let person = Person {
            account: Account::None,
            waiting: None,
            codes: Vec::new(),
            is_newest_good: false,
            mailed: Vec::new(),
        };
        Self { now: 0, is_open: true, passwords: 0, people: vec![person; PEOPLE.len()] }
    }

    fn new_password(&mut self) -> String {
        self.passwords += 1;
        format!("violet tram {} hums quietly", self.passwords)
    }

    /// Whether one more mail may go to the address; if so, it is counted.
    fn spend(&mut self, person: usize) -> bool {
        let now = self.now;
        let mailed = &mut self.people[person].mailed;
        let within = |mailed: &[u64], span: u64| mailed.iter().filter(|sent| **sent + span > now).count();
        let may = within(mailed, HOUR) < 5 && within(mailed, DAY) < 20;
        if may {
            mailed.push(now);
        }
        may
    }

    fn is_waiting(&self, person: usize) -> bool {
        self.people[person].waiting.as_ref().is_some_and(|waiting| self.now < waiting.ends)
    }
}

struct Run<'a> {
    world: &'a World,
    organization_id: String,
    model: Model,
}

impl Run<'_> {
    async fn act(&mut self, action: &Action) {
        match *action {
            Action::Register { person } => self.register(person).await,
            Action::Resend { person } => self.resend(person).await,
            Action::Verify { person, code, with } => self.verify(person, code, with).await,
            Action::Invite { person } => self.invite(person).await,
            Action::Open(is_open) => {
                self.model.is_open = is_open;
                if is_open {
                    open(self.world, &self.organization_id, "");
                } else {
                    self.world.peers.known().self_service.clear();
                }
            }
            Action::Wait(seconds) => {
                self.world.clock.advance(Duration::from_secs(seconds));
                self.model.now += seconds;
            }
            Action::Sweep => drop(self.world.identity.sweep().await.expect("swept")),
        }
        self.check().await;
    }

    async fn register(&mut self, person: usize) {
        let password = self.model.new_password();
        let (again, email) = (password.clone(), PEOPLE[person]);
        let request = RegisterRequest { password: again.clone(), password_confirmation: again, ..request(email) };
        let answer = self.world.registration().register(request).await;
        if !self.model.is_open {
            assert_eq!(reason(&answer.expect_err("closed")), "REGISTRATION_CLOSED");
            return;
        }
        answer.expect("always the same");
        if self.model.spend(person) {
            let waiting = Waiting { password, ends: self.model.now + DAY, failures: 0 };
            self.model.people[person].waiting = Some(waiting);
            self.mailed(person).await;
        }
    }

    /// A code was drawn for what waits; it is known where it was mailed.
    async fn mailed(&mut self, person: usize) {
        let is_mailed = !matches!(self.model.people[person].account, Account::Proven(_));
        self.model.people[person].is_newest_good = is_mailed;
        if is_mailed {
            let count = self.model.people[person].codes.len() + 1;
            wait_for_mails(self.world, PEOPLE[person], "email_verification", count).await;
            let code = self.world.code_of(PEOPLE[person], "email_verification").await;
            self.model.people[person].codes.insert(0, code);
        }
    }

    async fn resend(&mut self, person: usize) {
        let attempts = mails(self.world, PEOPLE[person], "registration_attempted").await.len();
        resend(self.world, "", PEOPLE[person]).await;
        let is_waiting = self.model.is_waiting(person);
        if self.model.spend(person) && is_waiting {
            let ends = self.model.now + DAY;
            self.model.people[person].waiting.as_mut().expect("it waits").ends = ends;
            if matches!(self.model.people[person].account, Account::Proven(_)) {
                wait_for_mails(self.world, PEOPLE[person], "registration_attempted", attempts + 1).await;
            }
            self.mailed(person).await;
        } else {
            // Nothing shows when it is done, so there is a moment for it.
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }

    async fn verify(&mut self, person: usize, code: usize, with: With) {
        let Some(mailed) = self.model.people[person].codes.get(code).cloned() else { return };
        let is_good = code == 0 && self.model.people[person].is_newest_good && self.model.is_waiting(person);
        let waiting = self.model.people[person].waiting.clone().filter(|_| is_good);
        if matches!(with, With::Wrong) && waiting.as_ref().is_some_and(|waiting| waiting.failures >= FREE) {
            return;
        }
        let password = match (with, &waiting) {
            (With::Registered, Some(waiting)) => waiting.password.clone(),
            (With::Registered | With::Wrong, _) => "not this one at all".to_owned(),
            (With::New, _) => self.model.new_password(),
        };
        let is_new = matches!(with, With::New);
        let credential = if is_new { chosen(&password) } else { typed(&password) };
        let result = verify(self.world, &mailed, credential).await;
        if waiting.is_none() {
            assert_eq!(reason(&result.expect_err("no good code")), "CODE_NOT_FOUND", "{:?}", self.model);
            return;
        }
        if matches!(with, With::Wrong) {
            assert_eq!(reason(&result.expect_err("a wrong password")), "CREDENTIALS_REFUSED");
            self.model.people[person].waiting.as_mut().expect("it waits").failures += 1;
        } else if matches!(self.model.people[person].account, Account::Proven(_)) {
            assert_eq!(reason(&result.expect_err("the account stays")), "EMAIL_TAKEN");
        } else if self.model.is_open {
            let user = result.expect("verified");
            assert_eq!((user.roles.as_slice(), user.email_verified), (["DATA_SCIENTIST".to_owned()].as_slice(), true));
            let person = &mut self.model.people[person];
            (person.account, person.waiting, person.is_newest_good) = (Account::Proven(password), None, false);
        } else {
            assert_eq!(reason(&result.expect_err("closed meanwhile")), "REGISTRATION_CLOSED");
            self.model.people[person].waiting.as_mut().expect("it waits").failures = 0;
        }
    }

    async fn invite(&mut self, person: usize) {
        let token = self.world.log_in(ADMIN).await.access_token;
        let invited = self.world.users().create_user(bearer(&token, create_user(PEOPLE[person], "OWNER"))).await;
        if self.model.people[person].account == Account::None {
            invited.expect("invited");
            self.model.people[person].account = Account::Unproven;
        } else {
            assert_eq!(reason(&invited.expect_err("taken")), "EMAIL_TAKEN");
        }
    }

    /// Every account is as the model says, and no other password opens it.
    async fn check(&self) {
        self.world.access.invalidate_all();
        for (person, email) in self.model.people.iter().zip(PEOPLE) {
            match &person.account {
                Account::Proven(password) => {
                    drop(self.world.try_log_in(email, password).await.expect("its own account"));
                }
                Account::None | Account::Unproven => {
                    let Some(waiting) = &person.waiting else { continue };
                    assert_eq!(self.world.rows(&credentials(email)).await, 0, "nothing is alive: {waiting:?}");
                }
            }
        }
        let living = self.model.people.iter().filter(|person| person.account != Account::None).count();
        assert_eq!(
            self.world.rows("users WHERE deleted IS NULL").await,
            i64::try_from(living + 1).expect("few"),
            "{:?}",
            self.model
        );
    }
}

fn credentials(email: &str) -> String {
    format!("credentials JOIN users USING (user_id) WHERE email = '{email}' AND deleted IS NULL")
}

/// Few on each test run; the seed is printed, so that a failure can be repeated.
const SEQUENCES: u32 = 4;
const LENGTH: usize = 50;

async fn explore(world: &World, organization_id: &str, seed: u64) {
    println!("seed {seed}");
    let bytes = [seed.to_be_bytes(); 4].concat();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let sequence = proptest::collection::vec(action(), LENGTH);
    let actions = sequence.new_tree(&mut runner).expect("a sequence").current();
    let mut run = Run { world, organization_id: organization_id.to_owned(), model: Model::new() };
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
async fn begin_anew(world: &World, organization_id: &str) {
    let others = format!("SELECT user_id FROM users WHERE email <> '{ADMIN}'");
    for table in ["sessions", "credentials", "invitations", "users"] {
        world.execute(&format!("DELETE FROM {table} WHERE user_id IN ({others})")).await;
    }
    for table in ["registrations", "mail_budgets", "login_failures", "sagas"] {
        world.execute(&format!("DELETE FROM {table}")).await;
    }
    world.identity.relay().drain().await;
    world.peers.known().mail.clear();
    open(world, organization_id, "");
}

on_each_database! {
    /// ASVS: V2.3.1
    async fn attack_t13_no_sequence_brings_an_account_to_life_that_nobody_proved(database) {
        let (world, admin) = open_world(&database).await;
        for _ in 0..SEQUENCES {
            begin_anew(&world, &admin.organization_id).await;
            explore(&world, &admin.organization_id, seed()).await;
        }
    }
}
