//! Keeps the snapshot of this process at the newest revision.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rolecall_authz::AccessCache;
use rolecall_db::{Database, Error, View};
use rolecall_organization::ground;
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::snapshot::Snapshot;
use crate::store::changes::{self, Touched};
use crate::store::{load, replicas};

/// A snapshot whose head was not confirmed for this long answers nothing.
const STALE: Duration = Duration::from_secs(2);

/// A replica that told nobody how far it is for this long answers nothing from memory: two seconds later nobody waits
/// for it any more.
const SILENT: Duration = Duration::from_secs(3);

/// How often a replica tells that it lives, when nothing changes.
const BEAT: Duration = Duration::from_secs(1);

/// After how long it is tried again to load what was too large.
const REFUSED: Duration = Duration::from_secs(30);

/// So many organizations that it is cheaper to read all.
const MANY: usize = 200;

/// The snapshot of this process, and how sure it is.
pub(crate) struct Follower {
    database: Database,
    /// Knows what this process changed itself.
    access: AccessCache,
    /// How much memory the snapshot may take, in bytes.
    limit: usize,
    /// Under which name this process tells the others; a database that has one process needs none.
    replica: Option<Uuid>,
    current: ArcSwapOption<Snapshot>,
    times: Mutex<Times>,
    /// Lets one step be taken at a time.
    step: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    /// When the question was asked that the snapshot was found to be the answer of.
    confirmed: Option<Instant>,
    /// When the others were told, and what.
    beaten: Option<(Instant, i64)>,
    /// When it was found to be too large.
    refused: Option<Instant>,
}

/// Where a step leads.
enum Next {
    /// To this snapshot.
    At(Arc<Snapshot>),
    /// To none, since it would be too large.
    TooLarge,
    /// Further than this step may go.
    Later,
}

/// How far a step may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// As far as it takes.
    Whole,
    /// Only what changed since the snapshot.
    Changes,
}

impl Follower {
    pub(crate) fn new(database: Database, access: AccessCache, limit: usize, replica: Option<Uuid>) -> Self {
        let (current, times, step) = (ArcSwapOption::empty(), Mutex::default(), tokio::sync::Mutex::default());
        Self { database, access, limit, replica, current, times, step }
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the newest revision whose change this process was told of.
    pub(crate) fn announced(&self) -> i64 {
        self.access.announced()
    }

    /// Returns the snapshot, if it was the newest within the promised time.
    pub(crate) fn usable(&self) -> Option<Arc<Snapshot>> {
        // The times first: a snapshot that comes in between is newer than they say.
        let Times { confirmed, beaten, .. } = *self.times();
        let told = self.replica.is_none() || beaten.is_some_and(|(when, _)| when.elapsed() < SILENT);
        let is_sure = confirmed.is_some_and(|when| when.elapsed() < STALE) && told;
        self.current.load_full().filter(|_| is_sure)
    }

    /// Returns the snapshot, however old.
    pub(crate) fn latest(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// Looks for changes and takes them in.
    pub(crate) async fn step(&self, reach: Reach) -> Result<(), Error> {
        let _alone = self.step.lock().await;
        let asked = Instant::now();
        let head = ground::head(&self.database.reader()).await?;
        let next = match self.current.load_full() {
            Some(world) if world.revision == head.revision => Next::At(world),
            Some(world) if world.revision >= head.trimmed && world.revision < head.revision => {
                self.follow(&world, reach).await?
            }
            Some(_) | None if reach == Reach::Whole => self.load().await?,
            Some(_) | None => Next::Later,
        };
        self.publish(next, asked).await
    }

    /// Tells the others how far this process comes, and only then answers from there.
    async fn publish(&self, next: Next, asked: Instant) -> Result<(), Error> {
        let next = match next {
            Next::At(next) => next,
            Next::TooLarge => {
                self.current.store(None);
                return Ok(());
            }
            Next::Later => return Ok(()),
        };
        if let Some(replica) = self.replica {
            let known = self.times().beaten;
            let is_due = known.is_none_or(|(when, told)| when.elapsed() >= BEAT || told != next.revision);
            if is_due {
                let when = Instant::now();
                replicas::beat(&self.database, replica, next.revision).await?;
                self.times().beaten = Some((when, next.revision));
            }
        }
        self.current.store(Some(next));
        self.times().confirmed = Some(asked);
        Ok(())
    }

    /// Makes the next snapshot of what changed; a copy shares all that did not.
    async fn follow(&self, world: &Arc<Snapshot>, reach: Reach) -> Result<Next, Error> {
        let view = self.database.view().await?;
        let followed = follow_in(&view, world).await;
        view.close().await;
        match followed? {
            Some(next) if next.size() <= self.limit => Ok(Next::At(Arc::new(next))),
            Some(next) => {
                self.refuse(next.size());
                Ok(Next::TooLarge)
            }
            None if reach == Reach::Whole => self.load().await,
            None => Ok(Next::Later),
        }
    }

    /// Makes a snapshot of everything, if it fits.
    async fn load(&self) -> Result<Next, Error> {
        if self.times().refused.is_some_and(|when| when.elapsed() < REFUSED) {
            return Ok(Next::TooLarge);
        }
        let view = self.database.view().await?;
        let loaded = load::all(&view, self.limit).await;
        view.close().await;
        let loaded = loaded?;
        let Some(world) = loaded else {
            self.refuse(self.limit);
            return Ok(Next::TooLarge);
        };
        let (revision, ids, bytes) = (world.revision, world.ids(), world.size());
        tracing::info!(revision, ids, bytes, "the facts that decide access are in memory");
        Ok(Next::At(Arc::new(world)))
    }

    fn refuse(&self, bytes: usize) {
        self.times().refused = Some(Instant::now());
        let limit = self.limit;
        tracing::warn!(bytes, limit, "the facts that decide access do not fit into memory: the database decides");
    }

    /// Tells the others not to wait for this process.
    pub(crate) async fn leave(&self) -> Result<(), Error> {
        self.current.store(None);
        match self.replica {
            Some(replica) => replicas::leave(&self.database, replica).await,
            None => Ok(()),
        }
    }
}

/// Reads what changed after a snapshot; none when so much did that all of it is read anew.
async fn follow_in(view: &View, world: &Arc<Snapshot>) -> Result<Option<Snapshot>, Error> {
    let revision = load::revision(view).await?;
    let touched = match changes::after(view, world.revision, revision).await? {
        Touched::Organizations(touched) if touched.len() <= MANY => touched,
        Touched::Organizations(_) | Touched::All => return Ok(None),
    };
    let mut next = world.at(revision);
    let mut read = load::organizations(view, &touched).await?;
    for organization in touched {
        next.replace(organization, read.remove(&organization));
    }
    Ok(Some(next))
}
