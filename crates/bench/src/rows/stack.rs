//! Rows 1 and 2: what our stack costs, beside a bare tonic echo of the same messages.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use rolecall_tests::raw;
use tokio::time::Instant;

use crate::Settings;
use crate::echo::{self, Child, PATH};
use crate::measure::{Round, round, summary};
use crate::report::Line;

const CONCURRENCY: usize = 64;
const CONNECTIONS: usize = 4;

/// Measures the stack with a cached token and with tokens never seen before.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<Vec<Line>> {
    let (bare, stack) = (Child::start("echo-bare").await?, Child::start("echo-stack").await?);
    let one = echo::token(0);
    let fresh = AtomicUsize::new(1);
    let (mut anonymous, mut plain) = (Vec::new(), Vec::new());
    let (mut cached, mut first, mut plain_first) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        anonymous.push(load(settings, &bare, || None).await?);
        plain.push(load(settings, &bare, || Some(one.clone())).await?);
        cached.push(load(settings, &stack, || Some(one.clone())).await?);
        // The generator signs each token, so both servers are measured at the pace of that.
        let next = || Some(echo::token(fresh.fetch_add(1, Ordering::Relaxed)));
        plain_first.push(load(settings, &bare, next).await?);
        first.push(load(settings, &stack, next).await?);
    }
    let all = [&anonymous, &plain, &cached, &plain_first, &first];
    let failed: u64 = all.into_iter().flatten().map(|round| round.errors).sum();
    anyhow::ensure!(failed == 0, "{failed} echoes failed");
    let mut lines = stack_lines(&anonymous, &plain, &cached);
    lines.push(first_sight(&plain_first, &first, verification_micros()));
    Ok(lines)
}

/// One round against one server over a few connections.
async fn load(settings: &Settings, server: &Child, token: impl Fn() -> Option<String> + Sync) -> anyhow::Result<Round> {
    let channels = server.channels(CONNECTIONS);
    let body = Bytes::from_static(b"\x0a\x10sixteen bytes ok");
    let call = |lane: usize| {
        let (channel, token, body) = (channels[lane % CONNECTIONS].clone(), token(), body.clone());
        async move { raw::call_unary(&channel, PATH, body, token.as_deref()).await.is_ok() }
    };
    // The first calls open the connections and warm the caches.
    round(&[server.pid()], CONCURRENCY, settings.span / 4, &call).await?;
    round(&[server.pid()], CONCURRENCY, settings.span, &call).await
}

/// The CPU of one strict verification alone, in microseconds.
fn verification_micros() -> f64 {
    let tokens: Vec<String> = (0..2_000).map(|index| echo::token(1_000_000 + index)).collect();
    let verifier = echo::verifier();
    let start = Instant::now();
    let good = tokens.iter().filter(|token| echo::verify(&verifier, token)).count();
    assert_eq!(good, tokens.len(), "every token is good");
    start.elapsed().as_secs_f64() * 1e6 / 2_000.0
}

fn stack_lines(anonymous: &[Round], plain: &[Round], cached: &[Round]) -> Vec<Line> {
    let cpu = |rounds: &[Round]| summary(rounds, |round| round.cpu);
    let rate = |rounds: &[Round]| summary(rounds, |round| round.rate);
    let (bare, ours) = (cpu(plain), cpu(cached));
    let (cost, speed) = (ours.median / bare.median, rate(cached).median / rate(plain).median);
    let yardstick = format!("bare tonic echo of the same messages, the token included; {CONCURRENCY} in flight");
    let without = cpu(anonymous);
    let against = format!("{bare} us; without a token in its requests the echo takes {without} us");
    vec![
        Line {
            row: 1,
            work: "a unary method behind the whole stack, token cached: CPU a call".to_owned(),
            yardstick: yardstick.clone(),
            result: format!("{cost:.2}x: {ours} us against {against}"),
            goal: "at most 1.5x".to_owned(),
            met: cost <= 1.5,
        },
        Line {
            row: 1,
            work: "the same: calls a second".to_owned(),
            yardstick,
            result: format!("{speed:.2}x: {} against {}", rate(cached), rate(plain)),
            goal: "at least 0.75x".to_owned(),
            met: speed >= 0.75,
        },
    ]
}

fn first_sight(plain: &[Round], ours: &[Round], verification: f64) -> Line {
    let (bare, new) = (summary(plain, |round| round.cpu), summary(ours, |round| round.cpu));
    let wanted = bare.median + verification;
    let cost = new.median / wanted;
    Line {
        row: 2,
        work: "the same with a token never seen before: CPU a call".to_owned(),
        yardstick: format!(
            "bare echo of the same messages, {bare} us, plus one verification of a token by itself, {verification:.1} us"
        ),
        result: format!("{cost:.2}x: {new} us against {wanted:.1} us"),
        goal: "at most 1.2x".to_owned(),
        met: cost <= 1.2,
    }
}
