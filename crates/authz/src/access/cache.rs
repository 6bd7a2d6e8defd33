//! The access cache: what subjects may do, never older than promised.
//!
//! Three promises, in the words of the access contract:
//!
//! - what a process changed itself it obeys before it answers: [`AccessCache::invalidate`] sets a
//!   floor under which no answer lands, not even one that is already on its way;
//! - a change elsewhere arrives by a stream. When the stream is silent for too long, nothing in the
//!   cache is believed: the source is asked on each call, and the call is refused if it cannot answer;
//! - a call that names a revision is answered at that revision or newer, or not at all.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rolecall_kernel::id::SubjectId;
use tokio::time::Instant;

use super::shard::{Answer, Fill, Landing, Shard};
use super::{AccessError, AccessSource, SubjectAccess};
use crate::token::{LEEWAY, MAX_ACCESS_LIFETIME};

/// How the cache learns of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Whoever changes something calls the cache before answering: it is always fresh.
    InProcess,
    /// By a stream with heartbeats: it is fresh while the stream is heard.
    Stream,
}

/// How an access cache works.
#[derive(Debug, Clone)]
pub struct AccessCacheConfig {
    /// How it learns of changes.
    pub freshness: Freshness,
    /// How many subjects it remembers; about 4 KiB each.
    pub capacity: usize,
    /// How long the stream may be silent before nothing is believed.
    pub stale_after: Duration,
    /// How long an entry is believed even if nothing changed.
    pub entry_lifetime: Duration,
    /// How long the source may take for an answer.
    pub source_timeout: Duration,
}

impl AccessCacheConfig {
    /// Returns the limits of the access contract: 50 000 subjects, stale after 2 seconds.
    pub const fn new(freshness: Freshness) -> Self {
        Self {
            freshness,
            capacity: 50_000,
            stale_after: Duration::from_secs(2),
            entry_lifetime: Duration::from_secs(MAX_ACCESS_LIFETIME.as_secs() + LEEWAY.as_secs()),
            source_timeout: Duration::from_secs(2),
        }
    }
}

/// Why the cache does not tell what a subject may do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessRefusal {
    /// There is no such subject.
    #[error("there is no such subject")]
    Unknown,
    /// It cannot be told at the revision that is needed.
    #[error("the access of the subject cannot be confirmed")]
    Unconfirmed(Option<AccessError>),
}

/// The cache; cheap to clone.
#[derive(Clone)]
pub struct AccessCache(Arc<Inner>);

struct Inner {
    source: Arc<dyn AccessSource>,
    config: AccessCacheConfig,
    shards: Vec<Mutex<Shard>>,
    stream: Heartbeat,
    /// The newest change that this process was told of, by itself or by the stream.
    announced: AtomicI64,
}

/// Enough that callers rarely meet at a lock.
const SHARDS: usize = 64;

/// How often a question is asked when its answers are overtaken by changes.
const ATTEMPTS: u32 = 4;

/// How long to wait before asking again, times the attempt: a source may lag behind the stream a little.
const PAUSE: Duration = Duration::from_millis(10);

/// A caller may share the answer to a question that was asked at most this long ago.
const JOIN_WINDOW: Duration = Duration::from_millis(250);

impl AccessCache {
    /// Makes an empty cache over the source.
    pub fn new(source: Arc<dyn AccessSource>, config: AccessCacheConfig) -> Self {
        let capacity = config.capacity.div_ceil(SHARDS);
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new(capacity))).collect();
        Self(Arc::new(Inner { source, config, shards, stream: Heartbeat::new(), announced: AtomicI64::new(0) }))
    }

    /// Returns what the subject may do, at the revision `at_least` or newer.
    pub async fn get(&self, subject: SubjectId, at_least: Option<i64>) -> Result<Arc<SubjectAccess>, AccessRefusal> {
        if let Some(access) = self.peek(subject, at_least) {
            return Ok(access);
        }
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            let (fill, is_own) = self.fill(subject);
            let answer = fill.answer.clone().await;
            match self.land(subject, &fill, answer)? {
                Landing::Current(access) if self.satisfies(&access, at_least) => return Ok(access),
                Landing::Unknown if self.is_absence_certain(at_least) => return Err(AccessRefusal::Unknown),
                // The source itself has not come to the revision yet.
                Landing::Current(_) | Landing::Unknown if is_own => break,
                Landing::Current(_) | Landing::Unknown | Landing::Outdated => {}
            }
        }
        Err(AccessRefusal::Unconfirmed(None))
    }

    /// Returns what the subject may do if that is at hand and may be believed; takes no time.
    pub fn peek(&self, subject: SubjectId, at_least: Option<i64>) -> Option<Arc<SubjectAccess>> {
        if self.is_stale() {
            return None;
        }
        let access = self.shard(subject).entry(subject, Instant::now())?;
        self.satisfies(&access, at_least).then_some(access)
    }

    /// Tells that something changed for the subject at the revision; whatever was read before is forgotten.
    ///
    /// Whoever changes it calls this after the commit and before the answer.
    pub fn invalidate(&self, subject: SubjectId, revision: i64) {
        self.0.announced.fetch_max(revision, Ordering::AcqRel);
        self.shard(subject).invalidate(subject, revision);
    }

    /// Returns the newest revision whose change this process was told of: what it changed itself is never newer.
    pub fn announced(&self) -> i64 {
        self.0.announced.load(Ordering::Acquire)
    }

    /// Tells that something changed for many at the revision, such as the state of an organization.
    pub fn invalidate_all_before(&self, revision: i64) {
        self.0.announced.fetch_max(revision, Ordering::AcqRel);
        for shard in &self.0.shards {
            lock(shard).invalidate_before(revision);
        }
    }

    /// Tells that the stream begins anew at the revision, rather than where it broke off.
    ///
    /// What was read before may have missed changes, so all of it is forgotten, answers on their way included. So is
    /// every revision that was known: the facts may have been restored to an earlier state, whose answers the old
    /// floors would refuse until the count has come so far again.
    pub fn resync(&self, revision: i64) {
        // The old revision goes first: it must not vouch for what is read from the restored facts.
        self.0.stream.reset(revision);
        self.0.announced.store(revision, Ordering::Release);
        for shard in &self.0.shards {
            lock(shard).restart(revision);
        }
        self.0.stream.beat(revision);
    }

    /// Forgets everything, answers on their way included.
    pub fn invalidate_all(&self) {
        for shard in &self.0.shards {
            lock(shard).clear();
        }
    }

    /// Is the heartbeat of the stream: every change up to the revision was passed on to this cache.
    pub fn checkpoint(&self, revision: i64) {
        self.0.stream.beat(revision);
    }

    /// Returns the revision of the last checkpoint.
    pub fn revision(&self) -> Option<i64> {
        self.0.stream.revision()
    }

    /// Tells whether the stream was silent for too long, so that the source is asked on each call.
    pub fn is_stale(&self) -> bool {
        match self.0.config.freshness {
            Freshness::InProcess => false,
            Freshness::Stream => self.0.stream.silence().is_none_or(|silence| silence > self.0.config.stale_after),
        }
    }

    /// Tells whether an entry, being fresh, also is at the revision that a caller demands.
    fn satisfies(&self, access: &SubjectAccess, at_least: Option<i64>) -> bool {
        at_least.is_none_or(|revision| access.revision >= revision || self.has_seen(revision))
    }

    /// Tells whether every change up to the revision has arrived here.
    fn has_seen(&self, revision: i64) -> bool {
        !self.is_stale() && self.0.stream.revision().is_some_and(|seen| seen >= revision)
    }

    /// An absence carries no revision. Who changes the facts itself reads them as they are; else the stream must be there.
    fn is_absence_certain(&self, at_least: Option<i64>) -> bool {
        self.0.config.freshness == Freshness::InProcess || at_least.is_none_or(|revision| self.has_seen(revision))
    }

    fn fill(&self, subject: SubjectId) -> (Fill, bool) {
        self.shard(subject).fill(subject, Instant::now(), JOIN_WINDOW, || self.ask(subject))
    }

    /// The question holds the source, not the cache, so that an unfinished one keeps nothing alive in a circle.
    fn ask(&self, subject: SubjectId) -> BoxFuture<'static, Answer> {
        let source = Arc::clone(&self.0.source);
        let limit = self.0.config.source_timeout;
        async move {
            match tokio::time::timeout(limit, source.subject_access(subject)).await {
                Ok(answer) => answer.map(|access| access.map(Arc::new)),
                Err(elapsed) => Err(AccessError::unavailable(elapsed)),
            }
        }
        .boxed()
    }

    fn land(&self, subject: SubjectId, fill: &Fill, answer: Answer) -> Result<Landing, AccessRefusal> {
        let answer = answer.and_then(|answer| match answer {
            Some(access) if access.subject != subject => {
                Err(AccessError::unavailable("the source answered for another subject"))
            }
            answer => Ok(answer),
        });
        let answer = answer.map_err(|error| {
            self.shard(subject).abandon(subject, fill);
            AccessRefusal::Unconfirmed(Some(error))
        })?;
        let (now, lifetime) = (Instant::now(), self.0.config.entry_lifetime);
        Ok(self.shard(subject).land(subject, fill, answer, now..now + lifetime))
    }

    fn shard(&self, subject: SubjectId) -> MutexGuard<'_, Shard> {
        // The last bytes of an id are random; the first are its time.
        let last = subject.as_uuid().as_bytes()[15];
        lock(&self.0.shards[usize::from(last) % SHARDS])
    }
}

/// A panic in the few lines under the lock leaves nothing half done, so the lock goes on.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for AccessCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessCache")
            .field("config", &self.0.config)
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

/// When a stream was heard last, and how far it was. Uses the monotonic clock: a wall clock that
/// goes back would make a dead stream look alive.
pub(crate) struct Heartbeat {
    origin: Instant,
    /// Microseconds after `origin`, plus one; zero when never heard.
    last: AtomicU64,
    revision: AtomicI64,
}

impl Heartbeat {
    pub(crate) fn new() -> Self {
        Self { origin: Instant::now(), last: AtomicU64::new(0), revision: AtomicI64::new(i64::MIN) }
    }

    pub(crate) fn beat(&self, revision: i64) {
        self.revision.fetch_max(revision, Ordering::AcqRel);
        let micros = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        self.last.fetch_max(micros + 1, Ordering::AcqRel);
    }

    /// Goes to the revision, be it lower than the last.
    fn reset(&self, revision: i64) {
        self.revision.store(revision, Ordering::Release);
    }

    fn revision(&self) -> Option<i64> {
        Some(self.revision.load(Ordering::Acquire)).filter(|revision| *revision != i64::MIN)
    }

    /// Returns how long nothing was heard, `None` if nothing ever was.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let micros = self.last.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.origin.elapsed().saturating_sub(Duration::from_micros(micros)))
    }
}

#[cfg(test)]
mod tests;
