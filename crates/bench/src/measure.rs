//! The load generator and what it measures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use hdrhistogram::Histogram;
use tokio::time::Instant;

use crate::process::cpu_time;

/// What one round of one case came to.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// Calls answered a second.
    pub(crate) rate: f64,
    /// CPU of the server a call, in microseconds.
    pub(crate) cpu: f64,
    /// Half of the calls took at most this long, in milliseconds.
    pub(crate) p50: f64,
    /// All but a hundredth of the calls took at most this long, in milliseconds.
    pub(crate) p99: f64,
    /// Calls that failed.
    pub(crate) errors: u64,
}

/// Calls `work` from `concurrency` loops for `span`, and charges the CPU of the processes `pids`.
pub(crate) async fn round<W, F>(pids: &[u32], concurrency: usize, span: Duration, work: W) -> anyhow::Result<Round>
where
    W: Fn(usize) -> F + Sync,
    F: Future<Output = bool>,
{
    let before = total_cpu(pids)?;
    let (start, errors) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let (end, work, failed) = (start + span, &work, &errors);
    let loops = (0..concurrency).map(|lane| async move {
        let mut latencies = new_histogram();
        while Instant::now() < end {
            let begun = Instant::now();
            if !work(lane).await {
                failed.fetch_add(1, Ordering::Relaxed);
            }
            latencies.saturating_record(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        latencies
    });
    let mut all = new_histogram();
    for latencies in join_all(loops).await {
        all.add(latencies)?;
    }
    let elapsed = start.elapsed();
    let spent = total_cpu(pids)?.saturating_sub(before);
    let calls = all.len().max(1);
    #[expect(clippy::cast_precision_loss, reason = "a benchmark needs three digits")]
    Ok(Round {
        rate: calls as f64 / elapsed.as_secs_f64(),
        cpu: spent.as_secs_f64() * 1e6 / calls as f64,
        p50: all.value_at_quantile(0.50) as f64 / 1e3,
        p99: all.value_at_quantile(0.99) as f64 / 1e3,
        errors: errors.load(Ordering::Relaxed),
    })
}

/// The CPU time that some processes have used so far.
pub(crate) fn total_cpu(pids: &[u32]) -> anyhow::Result<Duration> {
    pids.iter().map(|pid| cpu_time(*pid)).sum()
}

#[expect(clippy::expect_used, reason = "the bounds are constants that the library accepts")]
fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("constant bounds")
}

/// The median and the spread of some rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summary {
    /// The middle value.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

/// Summarises one figure of some rounds.
pub(crate) fn summary<T>(rounds: &[T], figure: impl Fn(&T) -> f64) -> Summary {
    let mut values: Vec<f64> = rounds.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    Summary { median: at(values.len() / 2), min: at(0), max: at(values.len().saturating_sub(1)) }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = if self.median >= 100.0 { 0 } else { 2 };
        write!(f, "{:.digits$} ({:.digits$} to {:.digits$})", self.median, self.min, self.max)
    }
}
