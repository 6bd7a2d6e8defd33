//! Lists what a subject may act on: all pages of the facts of the first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rolecall_authz::Scope;
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::App;
use super::world::{Error, Wanted, whole};
use crate::domain::index::Key;
use crate::domain::list::{Wish, list};
use crate::domain::snapshot::Snapshot;

/// How long facts are kept for a list whose next page nobody asks for.
const KEPT: Duration = Duration::from_mins(1);
/// At how many revisions lists can be under way at once.
const MANY: usize = 16;

/// Where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The facts of the first page.
    pub(crate) revision: i64,
    /// The time of the first page.
    pub(crate) now: Timestamp,
    /// The last id of the page before.
    pub(crate) after: Key,
}

/// What is listed.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) sees: Scope,
    pub(crate) wish: Wish,
    pub(crate) wanted: Wanted,
    pub(crate) size: PageSize,
    pub(crate) place: Option<Place>,
}

/// A page, where the next one begins, and the facts it was made of.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) ids: Vec<Key>,
    pub(crate) next: Option<Place>,
    pub(crate) world: Arc<Snapshot>,
}

/// Lists a page.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Listed, Error> {
    let (world, now, after) = match command.place {
        None => (whole(app, &command.wanted).await?, app.now(), None),
        Some(place) => (find(app, place.revision)?, place.now, Some(place.after)),
    };
    let limit = usize::from(command.size.get()) + 1;
    let page = Page::from_overfetch(list(&world, &command.sees, &command.wish, now, after, limit), command.size);
    let last = page.items.last().copied().filter(|_| page.has_more);
    let next = last.map(|after| Place { revision: world.revision, now, after });
    if next.is_some() {
        app.pins.keep(&world);
    }
    Ok(Listed { ids: page.items, next, world })
}

/// Finds the facts that a list began at.
fn find(app: &App, revision: i64) -> Result<Arc<Snapshot>, Error> {
    let latest = app.follower.latest().filter(|world| world.revision == revision);
    app.pins.find(revision).or(latest).ok_or(Error::ListExpired)
}

/// Snapshots that lists are still being read from.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<VecDeque<(Arc<Snapshot>, Instant)>>);

impl Pins {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Arc<Snapshot>, Instant)>> {
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pins.retain(|(_, used)| used.elapsed() < KEPT);
        pins
    }

    /// Keeps a snapshot for the next page; of too many the one goes that was used longest ago.
    fn keep(&self, world: &Arc<Snapshot>) {
        let mut pins = self.lock();
        pins.retain(|(kept, _)| kept.revision != world.revision);
        if pins.len() >= MANY {
            pins.pop_front();
        }
        pins.push_back((Arc::clone(world), Instant::now()));
    }

    fn find(&self, revision: i64) -> Option<Arc<Snapshot>> {
        self.lock().iter().find(|(kept, _)| kept.revision == revision).map(|(kept, _)| Arc::clone(kept))
    }

    /// Drops what nobody asked for in time.
    pub(crate) fn sweep(&self) {
        drop(self.lock());
    }
}
