//! Password hashing: bounded by processors, away from the runtime, refused early when it would come too late.
//!
//! Each hash takes tens of megabytes and milliseconds. Whatever comes at once, no more than one a
//! processor is computed, so memory stays bounded and other calls stay fast.

mod argon;
mod imported;

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use rolecall_kernel::entropy::Entropy;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use self::argon::Argon;
pub(crate) use self::imported::ImportedHash;
use crate::config::HashingConfig;
use crate::domain::password::{Password, PasswordError, PasswordPolicy};

/// A password could not be hashed or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HashingError {
    /// More wait than can be done in time.
    #[error("more passwords wait to be checked than can be")]
    Overloaded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The parameters are unusable.
    #[error("the hashing parameters are unusable")]
    Broken,
}

/// Hashes and checks passwords; clones share the workers.
#[derive(Clone)]
pub(crate) struct Hashing {
    inner: Arc<Inner>,
}

struct Inner {
    argon: Argon,
    entropy: Arc<dyn Entropy>,
    workers: Arc<Semaphore>,
    worker_count: usize,
    queue: usize,
    /// How many work or wait.
    under_way: AtomicUsize,
    /// What one job took of late, in microseconds.
    cost: AtomicU64,
    /// The hash of no password, checked where there is no account.
    dummy: String,
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.inner;
        f.debug_struct("Hashing")
            .field("workers", &inner.worker_count)
            .field("under_way", &inner.under_way.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

impl Hashing {
    /// Makes the workers and measures what one hash costs here.
    pub(crate) async fn new(config: &HashingConfig, entropy: Arc<dyn Entropy>) -> Result<Self, HashingError> {
        let argon = Argon::new(config)?;
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let worker_count = if config.workers == 0 { processors } else { config.workers };
        let started = Instant::now();
        let (first, salt) = (argon.clone(), salt(entropy.as_ref()));
        let dummy = tokio::task::spawn_blocking(move || first.hash(b"", &salt)).await;
        // A server that waits for its first login holds no memory for it.
        argon.release();
        let inner = Inner {
            argon,
            entropy,
            workers: Arc::new(Semaphore::new(worker_count)),
            worker_count,
            queue: config.queue,
            under_way: AtomicUsize::new(0),
            cost: AtomicU64::new(micros(started.elapsed())),
            dummy: dummy.map_err(|_| HashingError::Broken)??,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Refuses what would be refused a place now; for those who have other work to do before they ask for one.
    pub(crate) fn check_room(&self, deadline: Option<Instant>) -> Result<(), HashingError> {
        self.admit(deadline).map(drop)
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: Password, deadline: Option<Instant>) -> Result<String, HashingError> {
        let (argon, salt) = (self.inner.argon.clone(), salt(self.inner.entropy.as_ref()));
        self.run(deadline, move || argon.hash(password.as_bytes(), &salt)).await?
    }

    /// Checks a new password against the policy, then hashes it.
    pub(crate) async fn check_and_hash(
        &self,
        policy: PasswordPolicy,
        password: Password,
        context: Vec<String>,
        deadline: Option<Instant>,
    ) -> Result<Result<String, PasswordError>, HashingError> {
        let (argon, salt) = (self.inner.argon.clone(), salt(self.inner.entropy.as_ref()));
        let work = move || match policy.check(&password, &context) {
            Ok(()) => argon.hash(password.as_bytes(), &salt).map(Ok),
            Err(refused) => Ok(Err(refused)),
        };
        self.run(deadline, work).await?
    }

    /// Compares a password with a stored hash; without one it takes the same time and is never right.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: Option<String>,
        deadline: Option<Instant>,
    ) -> Result<bool, HashingError> {
        let (known, argon) = (stored.is_some(), self.inner.argon.clone());
        let stored = stored.unwrap_or_else(|| self.inner.dummy.clone());
        let matches = self.run(deadline, move || verify(&argon, password.as_bytes(), &stored)).await?;
        Ok(matches && known)
    }

    /// Whether a stored hash was made with other parameters than new ones are.
    pub(crate) fn is_outdated(&self, stored: &str) -> bool {
        !PasswordHash::new(stored).is_ok_and(|stored| self.inner.argon.is_like_ours(&stored))
    }

    /// Runs a job on a worker, unless it could not be done by the deadline.
    async fn run<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = self.admit(deadline)?;
        let workers = Arc::clone(&self.inner.workers);
        let permit = match deadline {
            Some(deadline) => timeout_at(deadline, workers.acquire_owned()).await.map_err(|_| place.refusal())?,
            None => workers.acquire_owned().await,
        };
        let permit = permit.map_err(|_| HashingError::Broken)?;
        let job = move || {
            let started = Instant::now();
            let done = work();
            place.note_cost(started.elapsed());
            // Held until here, so that a caller that went away does not make room for one more.
            drop((permit, place));
            done
        };
        tokio::task::spawn_blocking(job).await.map_err(|_| HashingError::Broken)
    }

    fn admit(&self, deadline: Option<Instant>) -> Result<Place, HashingError> {
        let place = Place::take(&self.inner);
        let wait = place.estimated_wait();
        let in_time = deadline.is_none_or(|deadline| Instant::now() + wait <= deadline);
        if place.ahead >= self.inner.worker_count + self.inner.queue || !in_time {
            return Err(place.refusal());
        }
        Ok(place)
    }
}

/// A place among those that work or wait.
struct Place {
    inner: Arc<Inner>,
    ahead: usize,
}

impl Place {
    fn take(inner: &Arc<Inner>) -> Self {
        let ahead = inner.under_way.fetch_add(1, Ordering::SeqCst);
        Self { inner: Arc::clone(inner), ahead }
    }

    /// How long until a job in this place is done.
    fn estimated_wait(&self) -> Duration {
        let turns = self.ahead / self.inner.worker_count + 1;
        let cost = Duration::from_micros(self.inner.cost.load(Ordering::Relaxed));
        cost.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX))
    }

    fn refusal(&self) -> HashingError {
        let retry_after = self.estimated_wait().clamp(Duration::from_millis(100), Duration::from_secs(30));
        HashingError::Overloaded { retry_after }
    }

    /// Moves the known cost an eighth of the way to what was measured.
    fn note_cost(&self, took: Duration) {
        let old = self.inner.cost.load(Ordering::Relaxed);
        self.inner.cost.store(old - old / 8 + micros(took) / 8, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn salt(entropy: &dyn Entropy) -> [u8; 16] {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    salt
}

/// The parameters are those of the stored hash, so that hashes of earlier configurations, and of other systems, go on
/// working.
fn verify(argon: &Argon, password: &[u8], stored: &str) -> bool {
    match PasswordHash::new(stored) {
        Ok(parsed) if parsed.algorithm.as_str().starts_with("argon2") => argon.verify(password, &parsed),
        Ok(_) | Err(_) => imported::verify(password, stored),
    }
}

#[cfg(test)]
mod tests;
