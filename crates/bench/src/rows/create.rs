//! Row 9: creating users, beside the same statements by hand.

mod by_hand;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rolecall_api::identity::v1::CreateUserRequest;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::RequestId;
use rolecall_kernel::time::{Clock as _, SystemClock};
use rolecall_tests::actor::Actor;
use rolecall_tests::stack::{Plan, Stack};
use tokio::time::Instant;

use self::by_hand::ByHand;
use super::world;
use crate::Settings;
use crate::measure::{Round, round, summary, total_cpu};
use crate::report::Line;

const CONCURRENCY: usize = 16;

/// How long the events and mails of one round may take to arrive.
const PATIENCE: Duration = Duration::from_mins(5);

/// Measures `CreateUser` on both databases.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let sqlite = measure(settings, world::ONE_SQLITE, "SQLite").await?;
    let postgres = measure(settings, world::ONE_POSTGRES, "PostgreSQL").await?;
    Ok(vec![sqlite, postgres])
}

async fn measure(settings: &Settings, plan: Plan, name: &str) -> anyhow::Result<Line> {
    let stack = Stack::start(plan).await;
    let admin = world::bootstrap(&stack).await?;
    let by_hand = Arc::new(ByHand::open(plan.store).await?);
    let numbers = AtomicU64::new(1);
    let (mut served, mut whole, mut hand) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let (round, cost) = serve(settings, &stack, &admin, &numbers).await?;
        served.push(round);
        whole.push(cost);
        hand.push(write(settings, &by_hand).await?);
    }
    let failed: u64 = served.iter().chain(&hand).map(|round| round.errors).sum();
    anyhow::ensure!(failed == 0, "{failed} users were not created");
    Ok(line(name, &served, &whole, &hand))
}

/// One round through the server; also the CPU a call once everything has been delivered.
async fn serve(settings: &Settings, stack: &Stack, admin: &Actor, numbers: &AtomicU64) -> anyhow::Result<(Round, f64)> {
    let pids = stack.pids();
    let (first, before) = (numbers.load(Ordering::Relaxed), total_cpu(&pids)?);
    let call = |_lane: usize| {
        let (mut users, request) = (admin.users(), request(numbers.fetch_add(1, Ordering::Relaxed)));
        async move { users.create_user(request).await.is_ok() }
    };
    let served = round(&pids, CONCURRENCY, settings.span, call).await?;
    let last = numbers.load(Ordering::Relaxed);
    wait_for_mails(stack, last - 1).await?;
    let spent = total_cpu(&pids)?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "a benchmark needs three digits")]
    let calls = (last - first).max(1) as f64;
    Ok((served, spent.as_secs_f64() * 1e6 / calls))
}

fn request(number: u64) -> CreateUserRequest {
    CreateUserRequest {
        request_id: RequestId::new(SystemClock.now(), &SystemEntropy).to_string(),
        email: by_hand::email(number),
        given_name: by_hand::GIVEN_NAME.to_owned(),
        family_name: by_hand::FAMILY_NAME.to_owned(),
        roles: vec![by_hand::ROLE.to_owned()],
        ..Default::default()
    }
}

/// Waits for the last mail, so that its making does not slow the yardstick down.
async fn wait_for_mails(stack: &Stack, expected: u64) -> anyhow::Result<()> {
    let (folder, begun) = (stack.folder().join("data/mail"), Instant::now());
    loop {
        let is_mail = |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "eml");
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let arrived = entries.filter(is_mail).count();
        if u64::try_from(arrived)? >= expected {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "{arrived} of {expected} invitations arrived in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// One round by hand, each user in a task of its own, so that all cores take part.
async fn write(settings: &Settings, by_hand: &Arc<ByHand>) -> anyhow::Result<Round> {
    let work = |_lane: usize| {
        let by_hand = Arc::clone(by_hand);
        async move {
            let mut task = tokio::task::JoinSet::new();
            task.spawn(async move { by_hand.create_user().await });
            matches!(task.join_next().await, Some(Ok(Ok(()))))
        }
    };
    round(&[std::process::id()], CONCURRENCY, settings.span, work).await
}

fn line(name: &str, served: &[Round], whole: &[f64], hand: &[Round]) -> Line {
    let rate = |rounds: &[Round]| summary(rounds, |round| round.rate);
    let cpu = |rounds: &[Round]| summary(rounds, |round| round.cpu);
    let ratio = rate(served).median / rate(hand).median;
    Line {
        row: 9,
        work: format!("CreateUser on {name}, by invitation, so nothing is hashed; {CONCURRENCY} at once"),
        yardstick: "the same statements by hand in the same five transactions, same schema and settings; without \
                    gRPC, authentication and checks, and without delivering the events to the audit log and the mail, \
                    which the server does beside the calls"
            .to_owned(),
        result: format!(
            "{ratio:.2}x: {} calls/s against {}; p50 {:.0} ms, p99 {:.0} ms; CPU a call {} us, {} us once all is \
             delivered, against {} us",
            rate(served),
            rate(hand),
            summary(served, |round| round.p50).median,
            summary(served, |round| round.p99).median,
            cpu(served),
            summary(whole, |cost| *cost),
            cpu(hand),
        ),
        goal: "at least 0.7x".to_owned(),
        met: ratio >= 0.7,
    }
}
