//! Delivers the outbox: at least once, a subject's events in order, however often workers die.
//!
//! A relay claims due events under a lease, hands them to the consumer, and writes down what became
//! of them. Any number of relays may work on one outbox. A relay that dies leaves its claims to
//! whoever comes after the lease; one that was only slow can no longer settle them, and the
//! consumer's [inbox](crate::inbox) drops what comes twice.

mod claim;
mod settle;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Clock;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::claim::{Claimed, Claims, claim};
use self::settle::{Verdict, settle};
use crate::nudge::Topic;
use crate::sweep::{self, Retention};
use crate::{Consumer, Database, Error, Event};

/// What a consumer did with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Handled, now or earlier.
    Done,
    /// Not handled; the relay asks again after a pause that grows from one second to five minutes.
    Retry {
        /// Why, for the operator.
        reason: String,
    },
    /// Cannot be handled; set aside, visible and replayable, and the subject's next event goes on.
    Park {
        /// Why, for the operator.
        reason: String,
    },
}

/// Hands events to a consumer.
#[async_trait::async_trait]
pub trait Deliver: Send + Sync {
    /// Delivers events of different subjects; an event without an outcome is delivered again.
    async fn deliver(&self, consumer: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)>;
}

/// How a relay works.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// How long a claim holds; a dead relay's events are taken up after that.
    pub lease: Duration,
    /// The most events of one claim.
    pub batch: u16,
    /// How often the outbox is asked when nothing wakes the relay.
    pub poll: Duration,
    /// How long what is done is kept.
    pub retention: Retention,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            batch: 100,
            poll: Duration::from_millis(250),
            retention: Retention::default(),
        }
    }
}

/// Delivers the events of one database.
pub struct Relay {
    db: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    consumers: Vec<Consumer>,
    deliver: Arc<dyn Deliver>,
    config: RelayConfig,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("db", &self.db).field("consumers", &self.consumers).finish_non_exhaustive()
    }
}

/// Wakes a relay that waits for its next poll.
#[derive(Debug, Clone)]
pub struct RelayWaker(watch::Sender<()>);

impl RelayWaker {
    /// Makes the relay look now.
    pub fn wake(&self) {
        self.0.send_replace(());
    }
}

/// What one look at a consumer's events did.
#[derive(Debug, Clone, Copy, Default)]
struct Pulse {
    claimed: usize,
    done: usize,
}

impl Relay {
    /// Makes a relay for these consumers; it does nothing until it runs.
    pub fn new(
        db: Database,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        consumers: Vec<Consumer>,
        deliver: Arc<dyn Deliver>,
        config: RelayConfig,
    ) -> Self {
        Self { db, clock, entropy, consumers, deliver, config }
    }

    /// Lets claims hold for so long instead; tests that drain on a busy machine wait longer for a consumer than production.
    #[must_use]
    pub fn leasing_for(self, lease: Duration) -> Self {
        Self { config: RelayConfig { lease, ..self.config }, ..self }
    }

    /// Returns a handle that wakes it; commits that appended an event do so by themselves.
    pub fn waker(&self) -> RelayWaker {
        RelayWaker(self.db.inner.nudges.waker(Topic::Outbox))
    }

    /// Delivers until the shutdown; a delivery under way is finished first.
    pub async fn run(self, shutdown: CancellationToken) {
        let deliveries = join_all(self.consumers.iter().map(|consumer| self.follow(*consumer, &shutdown)));
        tokio::join!(deliveries, self.sweep(&shutdown));
    }

    /// Delivers until nothing is due, and returns how many deliveries were done; for tests.
    pub async fn drain(&self) -> usize {
        let mut done = 0;
        loop {
            let mut claimed = 0;
            for consumer in &self.consumers {
                match self.pulse(*consumer).await {
                    Ok(pulse) => {
                        claimed += pulse.claimed;
                        done += pulse.done;
                    }
                    Err(error) => tracing::warn!(%error, consumer = consumer.0, "the outbox could not be drained"),
                }
            }
            if claimed == 0 {
                return done;
            }
        }
    }

    /// Looks again at once while there is work; each consumer has its own loop, so none waits for another.
    async fn follow(&self, consumer: Consumer, shutdown: &CancellationToken) {
        let mut appended = self.db.inner.nudges.wait_for(Topic::Outbox);
        while !shutdown.is_cancelled() {
            let pause = match self.pulse(consumer).await {
                Ok(Pulse { claimed: 0, .. }) => self.config.poll,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, consumer = consumer.0, "the outbox could not be read");
                    self.config.poll * 4
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                _ = appended.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn sweep(&self, shutdown: &CancellationToken) {
        const PERIOD: Duration = Duration::from_mins(10);
        while shutdown.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            if let Err(error) = sweep::run(&self.db, self.clock.now(), &self.config.retention).await {
                tracing::warn!(%error, "old rows could not be deleted");
            }
        }
    }

    /// Claims, delivers, settles.
    async fn pulse(&self, consumer: Consumer) -> Result<Pulse, Error> {
        let begun = Instant::now();
        let Some(claims) = claim(self, consumer).await? else {
            return Ok(Pulse::default());
        };
        let mut pulse = Pulse { claimed: claims.events.len(), done: 0 };
        let verdicts = self.hand_over(&claims, begun).await;
        pulse.done = verdicts.values().filter(|verdict| matches!(verdict, Verdict::Done)).count();
        settle(self, &claims, verdicts).await?;
        Ok(pulse)
    }

    /// Delivers wave by wave: a wave holds one event of each subject, the next wave their successors.
    async fn hand_over(&self, claims: &Claims, begun: Instant) -> HashMap<i64, Verdict> {
        let mut verdicts = HashMap::new();
        let mut stopped: HashSet<&str> = HashSet::new();
        for wave in waves(&claims.events) {
            // Past half the lease no more is begun, so that what is under way ends within it.
            if begun.elapsed() * 2 > self.config.lease {
                break;
            }
            let wave: Vec<&Claimed> =
                wave.into_iter().filter(|claimed| !stopped.contains(claimed.event.subject.as_str())).collect();
            let mut outcomes = self.deliver_wave(claims.consumer, &wave, begun).await;
            for claimed in wave {
                let outcome = outcomes.remove(&claimed.event.event_id).unwrap_or_else(no_answer);
                if matches!(outcome, Outcome::Retry { .. }) {
                    stopped.insert(&claimed.event.subject);
                }
                verdicts.insert(claimed.position, self.verdict(claimed, outcome));
            }
        }
        verdicts
    }

    async fn deliver_wave(&self, consumer: Consumer, wave: &[&Claimed], begun: Instant) -> HashMap<EventId, Outcome> {
        if wave.is_empty() {
            return HashMap::new();
        }
        let events = wave.iter().map(|claimed| claimed.event.clone()).collect();
        let left = (self.config.lease * 9 / 10).saturating_sub(begun.elapsed());
        let answer = timeout(left, self.deliver.deliver(consumer.0, events)).await;
        answer.unwrap_or_default().into_iter().collect()
    }

    fn verdict(&self, claimed: &Claimed, outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Done => Verdict::Done,
            Outcome::Park { reason } => Verdict::Park { reason },
            Outcome::Retry { reason } => {
                let due = self.clock.now().plus(backoff(claimed.attempts, self.entropy.as_ref()));
                Verdict::Retry { reason, due }
            }
        }
    }
}

fn no_answer() -> Outcome {
    Outcome::Retry { reason: "the consumer gave no answer".to_owned() }
}

/// Groups events so that the nth event of each subject is in the nth group.
fn waves(events: &[Claimed]) -> Vec<Vec<&Claimed>> {
    let mut waves: Vec<Vec<&Claimed>> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for claimed in events {
        let turn = seen.entry(&claimed.event.subject).or_default();
        if waves.len() == *turn {
            waves.push(Vec::new());
        }
        waves[*turn].push(claimed);
        *turn += 1;
    }
    waves
}

/// One second doubling to five minutes, of which a random half to whole is waited.
fn backoff(attempts: i64, entropy: &dyn Entropy) -> Duration {
    const LONGEST: u64 = 300_000;
    let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or_default();
    let whole = (1_000_u64 << doublings).min(LONGEST);
    let mut random = [0; 2];
    entropy.fill(&mut random);
    let share = u64::from(u16::from_le_bytes(random));
    Duration::from_millis(whole / 2 + whole * share / (2 * 65_536))
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    #[test]
    fn a_pause_grows_from_a_second_to_five_minutes_and_is_spread() {
        for attempts in 0..100 {
            let pause = backoff(attempts, &SystemEntropy);
            assert!(pause >= Duration::from_millis(500) && pause <= Duration::from_mins(5), "{pause:?}");
        }
        assert!(backoff(0, &SystemEntropy) <= Duration::from_secs(1));
        assert!(backoff(20, &SystemEntropy) >= Duration::from_secs(150));
    }
}
