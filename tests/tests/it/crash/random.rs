//! Power cuts at random moments, while people are invited, accept, and are blocked.

use std::collections::BTreeMap;
use std::time::Duration;

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::UserState;
use rolecall_api::organization::v1 as organization;
use rolecall_testkit::SeededEntropy;
use rolecall_tests::actor::Actor;
use rolecall_tests::refusal;
use rolecall_tests::stack::{Plan, Stack};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::ledger::{Answer, Found, Ledger, Step};
use super::{admin_again, all_users};
use crate::world::{self, ADMIN};

/// How much of each is asked for between two kills, at most; more than the longest pause leaves time for.
const AT_ONCE: usize = 8;

/// The longest time between the beginning of the work and the kill.
const LONGEST_PAUSE: Duration = Duration::from_millis(600);

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kills_at_random_moments_on_sqlite() {
    random_kills(world::ONE_SQLITE).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kills_at_random_moments_on_postgres() {
    random_kills(world::ONE_POSTGRES).await;
}

async fn random_kills(plan: Plan) {
    let (seed, begun) = (SeededEntropy::new(), Instant::now());
    let mut stack = Stack::start_durable(plan).await;
    let mut ledger = Ledger::default();
    stock(&stack, &world::bootstrap(&stack).await, &mut ledger).await;
    for round in 0..kills() {
        let admin = admin_again(&stack).await;
        let work = Work::draw(&stack, &admin, &ledger, &seed, round).await;
        work.run_until_killed(&stack, &admin, &mut ledger, &seed).await;
        stack.kill();
        stack.revive().await;
    }
    let admin = admin_again(&stack).await;
    agree(&stack, &admin, &ledger).await;
    // Whoever was presumed dead would have come back by now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    agree(&stack, &admin, &ledger).await;
    everybody_can_go_on(&stack, &admin).await;
    println!("{:?} seed {}: {} kills in {:.0?}", plan.store, seed.seed(), kills(), begun.elapsed());
    for step in [Step::Create, Step::Accept, Step::Block] {
        let count = |answer| ledger.count(step, answer);
        println!("{step:?}: {} acknowledged, {} unanswered", count(Answer::Acknowledged), count(Answer::Unknown));
    }
}

/// How many kills on each database: a few in the short run, half of the full number in the long one.
#[expect(clippy::disallowed_methods, reason = "tests are steered by the environment; no configuration reaches them")]
fn kills() -> usize {
    if std::env::var_os("ROLECALL_LONG_TESTS").is_some() { 100 } else { 4 }
}

/// Invites some people, half of whom accept, so that every kind of work can begin at once.
async fn stock(stack: &Stack, admin: &Actor, ledger: &mut Ledger) {
    for index in 0..2 * AT_ONCE {
        let email = format!("stock{index}@home.example");
        let created = admin.users().create_user(world::create_user_request(&email, &["GUEST"])).await;
        ledger.note(&email, Step::Create, Answer::of(created));
        if index < AT_ONCE {
            ledger.note(&email, Step::Accept, Answer::of(world::accept(stack, &email).await));
        }
    }
}

/// What is asked for between two kills, by address.
struct Work {
    /// New people.
    create: Vec<(String, identity::CreateUserRequest)>,
    /// The codes of the invited.
    accept: Vec<(String, String)>,
    /// The accounts of the active.
    block: Vec<(String, organization::BlockMemberRequest)>,
}

impl Work {
    /// Draws from those with whom something is left to do.
    async fn draw(stack: &Stack, admin: &Actor, ledger: &Ledger, seed: &SeededEntropy, round: usize) -> Self {
        let is_left = |email: &str, step| email != ADMIN && ledger.answer(email, step) == Answer::NotAsked;
        let create = |index| {
            let email = format!("k{round}x{index}@home.example");
            (email.clone(), world::create_user_request(&email, &["GUEST"]))
        };
        let block = |user: identity::User| {
            let (user_id, reason) = (user.user_id, "power cut".to_owned());
            (user.email, organization::BlockMemberRequest { user_id, reason, ..Default::default() })
        };
        let invited = codes(stack).into_iter().filter(|(email, _)| is_left(email, Step::Accept));
        let users = all_users(admin).await.unwrap().into_iter();
        let active = users.filter(|user| user.state() == UserState::Active && is_left(&user.email, Step::Block));
        Self {
            create: (0..AT_ONCE).map(create).collect(),
            accept: some(invited.collect(), seed),
            block: some(active.map(block).collect(), seed),
        }
    }

    /// Does all kinds of work side by side until the server is killed, and notes how each call ended.
    async fn run_until_killed(self, stack: &Stack, admin: &Actor, ledger: &mut Ledger, seed: &SeededEntropy) {
        let pause = Duration::from_micros(seed.below(u64::try_from(LONGEST_PAUSE.as_micros()).unwrap()));
        let created = until_death(self.create, |request| async move { admin.users().create_user(request).await });
        let accepted = until_death(self.accept, |code| world::accept_code(stack, code));
        let blocked = until_death(self.block, |request| async move { admin.members().block_member(request).await });
        let (created, accepted, blocked, ()) = tokio::join!(created, accepted, blocked, async {
            tokio::time::sleep(pause).await;
            stack.kill_now();
        });
        for (step, asked) in [(Step::Create, created), (Step::Accept, accepted), (Step::Block, blocked)] {
            for (email, answer) in asked {
                ledger.note(&email, step, answer);
            }
        }
    }
}

/// A few neighbours, from a place drawn by the seed.
fn some<T>(mut all: Vec<T>, seed: &SeededEntropy) -> Vec<T> {
    if let Ok(count @ 1..) = u64::try_from(all.len()) {
        all.rotate_left(usize::try_from(seed.below(count)).unwrap());
    }
    all.truncate(AT_ONCE);
    all
}

/// Asks for one after the other until the server dies.
async fn until_death<T, A, F: Future<Output = Result<A, Status>>>(
    whom: Vec<(String, T)>,
    ask: impl Fn(T) -> F,
) -> Vec<(String, Answer)> {
    let mut asked = Vec::new();
    for (email, what) in whom {
        let answer = Answer::of(ask(what).await);
        asked.push((email, answer));
        if answer == Answer::Unknown {
            break;
        }
    }
    asked
}

/// The codes of the invitations that have arrived, by address.
fn codes(stack: &Stack) -> BTreeMap<String, String> {
    let invitations = stack.mailbox.mails().into_iter().filter(|mail| mail.subject.contains("nvit"));
    invitations.map(|mail| (mail.to.clone(), mail.code())).collect()
}

/// Waits until what is there agrees with the ledger; leases must end, and mails and events travel.
async fn agree(stack: &Stack, admin: &Actor, ledger: &Ledger) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let wrong = ledger.contradictions(&Found::read(stack, admin).await);
        if wrong.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "the ledger is contradicted:\n{}", wrong.join("\n"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The invited accept, the active log in, the blocked stay out.
async fn everybody_can_go_on(stack: &Stack, admin: &Actor) {
    let codes = codes(stack);
    for user in all_users(admin).await.unwrap() {
        let email = user.email.as_str();
        if user.state() == UserState::Invited {
            let accepted = world::accept_code(stack, codes[email].clone()).await;
            accepted.unwrap_or_else(|status| panic!("{email}: {status:?}"));
        }
        let logged_in = Actor::log_in(stack, email).await;
        if user.blocked {
            refusal::expect_reason(logged_in, Code::Unauthenticated, "CREDENTIALS_REFUSED");
        } else {
            logged_in.unwrap_or_else(|status| panic!("{email}: {status:?}"));
        }
    }
}
