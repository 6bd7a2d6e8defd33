//! Which facts answer a question: the snapshot, or what is read for it.

use std::sync::Arc;

use rolecall_db::Error as StoreError;
use rolecall_organization::ground;

use super::App;
use super::follow::Reach;
use crate::domain::index::Key;
use crate::domain::snapshot::Snapshot;
use crate::domain::token::Point;
use crate::store::load;

/// How new the facts have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// At most as old as is promised to all.
    Usual,
    /// At a point, or newer.
    AtLeast(Point),
    /// As new as when it was asked.
    Newest,
}

/// Why nothing is answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The facts have not come to the point that was demanded.
    #[error("the demanded point has not been reached")]
    NotCurrent,
    /// The list began at facts that are gone.
    #[error("the revision of the list is no longer kept")]
    ListExpired,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns facts that are new enough to decide about these ids.
pub(crate) async fn about(app: &App, wanted: &Wanted, ids: &[Key]) -> Result<Arc<Snapshot>, Error> {
    if let Some(world) = snapshot(app, wanted).await? {
        return Ok(world);
    }
    let view = app.database.view().await?;
    let read = load::around(&view, ids).await;
    view.close().await;
    let world = read?;
    if is_reached(wanted, &world) { Ok(Arc::new(world)) } else { Err(Error::NotCurrent) }
}

/// Returns all facts, if they are new enough.
pub(crate) async fn whole(app: &App, wanted: &Wanted) -> Result<Arc<Snapshot>, Error> {
    snapshot(app, wanted).await?.ok_or(Error::NotCurrent)
}

/// Returns the snapshot of this process, brought to where it is demanded if it is not there.
async fn snapshot(app: &App, wanted: &Wanted) -> Result<Option<Arc<Snapshot>>, Error> {
    // What this process changed itself it obeys, whether it is demanded or not.
    let floor = match wanted {
        Wanted::Usual | Wanted::AtLeast(_) => app.follower.announced(),
        Wanted::Newest => ground::head(&app.database.reader()).await?.revision,
    };
    let suffices = |world: &Arc<Snapshot>| world.revision >= floor && is_reached(wanted, world);
    match app.follower.usable() {
        None => Ok(None),
        Some(world) if suffices(&world) => Ok(Some(world)),
        Some(_) => {
            app.follower.step(Reach::Changes).await?;
            Ok(app.follower.usable().filter(suffices))
        }
    }
}

fn is_reached(wanted: &Wanted, world: &Snapshot) -> bool {
    match wanted {
        Wanted::Usual | Wanted::Newest => true,
        Wanted::AtLeast(point) => point.is_reached(world.revision, &world.epoch),
    }
}
