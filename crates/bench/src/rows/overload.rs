//! Row 7: what a storm of logins does to other methods, and to the logins themselves.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use rolecall_api::identity::v1::{GetAccountRequest, LogInRequest};
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::stack::Stack;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{block, world};
use crate::measure::{Round, round, summary};
use crate::report::Line;
use crate::{Settings, cores};

const STORM: usize = 500;
const OTHERS: usize = 4;

/// Measures other calls idle and in the storm, and logins at capacity and in the storm, in turns.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await?;
    // Somebody else logs in: a person's oldest sessions end at the twenty-first.
    block::second_owner(&stack, &admin).await?;
    let (mut idle, mut busy, mut capacity, mut storms) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        idle.push(others(settings, &stack, &admin).await?);
        capacity.push(logins(settings, &stack).await?);
        let (storm, other) = storm(settings, &stack, &admin).await?;
        storms.push(storm);
        busy.push(other);
    }
    let failed: u64 = idle.iter().chain(&busy).chain(&capacity).map(|round| round.errors).sum();
    anyhow::ensure!(failed == 0, "{failed} calls failed that had to be answered");
    Ok(vec![latency(&idle, &busy), goodput(&capacity, &storms), refusals(&storms)])
}

/// Calls that only read, a few at once.
async fn others(settings: &Settings, stack: &Stack, admin: &Actor) -> anyhow::Result<Round> {
    let call = |_lane: usize| {
        let mut account = admin.account();
        async move { account.get_account(GetAccountRequest::default()).await.is_ok() }
    };
    round(&stack.pids(), OTHERS, settings.span, call).await
}

/// Logins, as many at once as keep every core busy.
async fn logins(settings: &Settings, stack: &Stack) -> anyhow::Result<Round> {
    let client = Actor::anonymous(stack).authentication();
    let call = |_lane: usize| {
        let mut client = client.clone();
        async move { client.log_in(request()).await.is_ok() }
    };
    round(&stack.pids(), cores() * 4, settings.span, call).await
}

fn request() -> LogInRequest {
    LogInRequest { email: block::EMAIL.to_owned(), password: PASSWORD.to_owned(), ..Default::default() }
}

/// What became of the logins of a storm.
struct Storm {
    /// Logins answered with tokens, a second.
    rate: f64,
    refused: u64,
    /// Refusals that do not say when to come back, and answers that are neither.
    wrong: u64,
    /// Half of the refusals, and all but a hundredth, took at most this long, in milliseconds.
    p50: f64,
    p99: f64,
}

/// Five hundred clients that log in again and again, refused or not, and a few others beside them.
async fn storm(settings: &Settings, stack: &Stack, admin: &Actor) -> anyhow::Result<(Storm, Round)> {
    let (stop, done, wrong) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let client = Actor::anonymous(stack).authentication();
    let begun = Instant::now();
    let caller = || async {
        let mut refusals = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
        while !stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            match client.clone().log_in(request()).await {
                Ok(_) => {
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Err(status) => {
                    wrong.fetch_add(u64::from(!comes_back(&status)), Ordering::Relaxed);
                    refusals.saturating_record(u64::try_from(start.elapsed().as_micros())?);
                    // As the refusal asks, though sooner: nobody who waits makes a storm.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
        anyhow::Ok(refusals)
    };
    let callers = futures::future::join_all((0..STORM).map(|_| caller()));
    let measured = async {
        // The storm has begun once its first answers are there.
        tokio::time::sleep(settings.span / 4).await;
        let other = others(settings, stack, admin).await;
        stop.store(true, Ordering::Relaxed);
        other
    };
    let (histograms, other) = tokio::join!(callers, measured);
    let mut all = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    for histogram in histograms {
        all.add(histogram?)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a benchmark needs three digits")]
    let storm = Storm {
        rate: done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64(),
        refused: all.len(),
        wrong: wrong.load(Ordering::Relaxed),
        p50: all.value_at_quantile(0.50) as f64 / 1e3,
        p99: all.value_at_quantile(0.99) as f64 / 1e3,
    };
    Ok((storm, other?))
}

/// Whether a refusal is the one of a server that has enough to do, and says when to come back.
fn comes_back(status: &Status) -> bool {
    status.code() == Code::ResourceExhausted && status.get_details_retry_info().is_some()
}

fn latency(idle: &[Round], busy: &[Round]) -> Line {
    let p99 = |rounds: &[Round]| summary(rounds, |round| round.p99);
    let ratio = p99(busy).median / p99(idle).median;
    Line {
        row: 7,
        work: format!("GetAccount, {OTHERS} at once, in a storm of {STORM} clients that log in: p99"),
        yardstick: "the same without the storm".to_owned(),
        result: format!("{ratio:.2}x: {} ms against {} ms", p99(busy), p99(idle)),
        goal: "at most 3x".to_owned(),
        met: ratio <= 3.0,
    }
}

fn goodput(capacity: &[Round], storms: &[Storm]) -> Line {
    let (most, good) = (summary(capacity, |round| round.rate), summary(storms, |storm| storm.rate));
    let ratio = good.median / most.median;
    Line {
        row: 7,
        work: format!("logins that {STORM} clients at once get done"),
        yardstick: format!("those that {} clients get done", cores() * 4),
        result: format!("{ratio:.2}x: {good} logins/s against {most}"),
        goal: "at least 0.9x".to_owned(),
        met: ratio >= 0.9,
    }
}

fn refusals(storms: &[Storm]) -> Line {
    let (half, most) = (summary(storms, |storm| storm.p50), summary(storms, |storm| storm.p99));
    let refused: u64 = storms.iter().map(|storm| storm.refused).sum();
    let wrong: u64 = storms.iter().map(|storm| storm.wrong).sum();
    Line {
        row: 7,
        work: format!(
            "{refused} logins refused in the storm, {wrong} of them without RESOURCE_EXHAUSTED and RetryInfo"
        ),
        yardstick: "clock".to_owned(),
        result: format!("refused after {half} ms (p50), {most} ms (p99)"),
        goal: "within 10 ms, all with RetryInfo".to_owned(),
        met: half.median <= 10.0 && wrong == 0,
    }
}
