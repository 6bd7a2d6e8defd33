//! Resets against a model: whatever is asked for, redeemed, mistyped or late in whatever order, a password changes only by its
//! own person or by the one code that is alive.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;
use tonic::Status;

use crate::harness::{ADMIN, PASSWORD, World, bearer};

const PEOPLE: [&str; 2] = ["ada@example.org", "bob@example.org"];

#[derive(Debug, Clone)]
enum Action {
    /// An administrator takes a code for somebody.
    Issue {
        person: usize,
    },
    /// Somebody sets a new password with something.
    Redeem {
        with: With,
        new: New,
    },
    /// The person changes its password.
    Change {
        person: usize,
    },
    Wait(u64),
}

/// What is given as the code.
#[derive(Debug, Clone)]
enum With {
    /// One of all codes that ever were, the newest first.
    Code(usize),
    /// One of them, cut short.
    Cut(usize),
    Invitation,
    AccessToken {
        person: usize,
    },
    RefreshToken {
        person: usize,
    },
    Nothing,
}

#[derive(Debug, Clone, Copy)]
enum New {
    Good,
    Weak,
    Mistyped,
}

fn action() -> impl Strategy<Value = Action> {
    let with = prop_oneof![
        12 => (0..4_usize).prop_map(With::Code),
        2 => (0..4_usize).prop_map(With::Cut),
        1 => Just(With::Invitation),
        1 => (0..2_usize).prop_map(|person| With::AccessToken { person }),
        1 => (0..2_usize).prop_map(|person| With::RefreshToken { person }),
        1 => Just(With::Nothing),
    ];
    let new = prop_oneof![6 => Just(New::Good), 1 => Just(New::Weak), 1 => Just(New::Mistyped)];
    prop_oneof![
        5 => (0..2_usize).prop_map(|person| Action::Issue { person }),
        9 => (with, new).prop_map(|(with, new)| Action::Redeem { with, new }),
        1 => (0..2_usize).prop_map(|person| Action::Change { person }),
        3 => prop_oneof![Just(1_u64), Just(600), Just(1_799), Just(1_800)].prop_map(Action::Wait),
    ]
}

/// A code, as the model knows it.
#[derive(Debug, Clone)]
struct Code {
    text: String,
    person: usize,
    ends: u64,
    alive: bool,
}

struct Run<'a> {
    world: &'a World,
    users: [String; 2],
    invitation: &'a str,
    passwords: [String; 2],
    drawn: &'a mut usize,
    codes: Vec<Code>,
    now: u64,
    redeemed: usize,
}

impl Run<'_> {
    async fn act(&mut self, action: &Action) {
        match action {
            Action::Issue { person } => self.issue(*person).await,
            Action::Redeem { with, new } => self.redeem(with, *new).await,
            Action::Change { person } => self.change(*person).await,
            Action::Wait(seconds) => {
                self.world.clock.advance(Duration::from_secs(*seconds));
                self.now += seconds;
            }
        }
        for (email, password) in PEOPLE.iter().zip(&self.passwords) {
            self.world.try_log_in(email, password).await.expect("nobody else's password changed");
        }
    }

    async fn issue(&mut self, person: usize) {
        let root = self.world.log_in(ADMIN).await.access_token;
        let delivery = Some(CodeDelivery { delivery: Some(code_delivery::Delivery::Return(ReturnCode {})) });
        let user_id = self.users[person].clone();
        let request = IssuePasswordResetRequest { user_id, delivery, ..Default::default() };
        let text =
            self.world.users().issue_password_reset(bearer(&root, request)).await.expect("issued").into_inner().code;
        self.end_codes(person);
        self.codes.push(Code { text, person, ends: self.now + 1_800, alive: true });
    }

    fn end_codes(&mut self, person: usize) {
        self.codes.iter_mut().filter(|code| code.person == person).for_each(|code| code.alive = false);
    }

    fn fresh_password(&mut self) -> String {
        *self.drawn += 1;
        format!("{PASSWORD} {}", *self.drawn)
    }

    async fn redeem(&mut self, with: &With, new: New) {
        let Some((text, known)) = self.spell(with).await else { return };
        let password = match new {
            New::Good | New::Mistyped => self.fresh_password(),
            New::Weak => "password".to_owned(),
        };
        let password_confirmation =
            if matches!(new, New::Mistyped) { format!("{password}!") } else { password.clone() };
        let request = ResetPasswordRequest { code: text, password: password.clone(), password_confirmation };
        let result: Result<_, Status> = self.world.accounts().reset_password(request).await;
        let good = known.filter(|index| {
            let code = &self.codes[*index];
            matches!(new, New::Good) && code.alive && self.now < code.ends
        });
        assert_eq!(result.is_ok(), good.is_some(), "{with:?} {new:?} {:?} at {}", self.codes, self.now);
        if let Some(index) = good {
            let person = self.codes[index].person;
            self.passwords[person] = password;
            self.redeemed += 1;
            self.end_codes(person);
        }
    }

    /// What is sent as the code, and which code of the model it is.
    async fn spell(&self, with: &With) -> Option<(String, Option<usize>)> {
        let newest = |back: usize| self.codes.len().checked_sub(back + 1);
        match with {
            With::Code(back) => newest(*back).map(|index| (self.codes[index].text.clone(), Some(index))),
            With::Cut(back) => newest(*back).map(|index| {
                let text = &self.codes[index].text;
                (text[..text.len() - 1].to_owned(), None)
            }),
            With::Invitation => Some((self.invitation.to_owned(), None)),
            With::AccessToken { person } => Some((self.tokens(*person).await.access_token, None)),
            With::RefreshToken { person } => Some((self.tokens(*person).await.refresh_token, None)),
            With::Nothing => Some((String::new(), None)),
        }
    }

    async fn tokens(&self, person: usize) -> Tokens {
        self.world.try_log_in(PEOPLE[person], &self.passwords[person]).await.expect("logged in")
    }

    async fn change(&mut self, person: usize) {
        let (token, new) = (self.tokens(person).await.access_token, self.fresh_password());
        let request = ChangePasswordRequest {
            current_password: self.passwords[person].clone(),
            new_password: new.clone(),
            new_password_confirmation: new.clone(),
            ..Default::default()
        };
        self.world.accounts().change_password(bearer(&token, request)).await.expect("changed");
        self.passwords[person] = new;
        self.end_codes(person);
    }
}

const LENGTH: usize = 50;

/// Few on each test run; the seed is printed, so that a failure can be repeated.
fn sequences() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test is steered by the environment")]
    let is_long = std::env::var_os("ROLECALL_LONG_TESTS").is_some();
    if is_long { 2_000 } else { 4 }
}

fn seed() -> u64 {
    use rolecall_kernel::entropy::{Entropy as _, SystemEntropy};
    #[expect(clippy::disallowed_methods, reason = "a test is steered by the environment")]
    let given = std::env::var("ROLECALL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        SystemEntropy.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    })
}

fn draw(seed: u64) -> Vec<Action> {
    println!("seed {seed}");
    let bytes = [seed.to_be_bytes(); 4].concat();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    proptest::collection::vec(action(), LENGTH).new_tree(&mut runner).expect("a sequence").current()
}

on_each_database! {
    /// ASVS: V2.3.1, V6.4.3
    async fn attack_t02_no_sequence_sets_a_password_without_the_code_that_is_alive(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let mut users = Vec::new();
        for email in PEOPLE {
            users.push(world.join(&root, email, "GUEST").await.user_id);
        }
        let (_, invitation) = world.invite(&root, "invited@example.org", "GUEST").await;
        let users: [String; 2] = users.try_into().expect("two");
        let mut passwords = [PASSWORD.to_owned(), PASSWORD.to_owned()];
        let (first, mut redeemed, mut drawn) = (seed(), 0, 0);
        for index in 0..sequences() {
            let actions = draw(first.wrapping_add(index));
            let (codes, invitation) = (Vec::new(), invitation.as_str());
            let users = users.clone();
            let mut run = Run { world: &world, users, invitation, passwords, drawn: &mut drawn, codes, now: 0, redeemed };
            for (step, action) in actions.iter().enumerate() {
                println!("{step}: {action:?}");
                run.act(action).await;
            }
            (passwords, redeemed) = (run.passwords, run.redeemed);
        }
        assert!(redeemed > 0, "some codes were alive");
    }
}
