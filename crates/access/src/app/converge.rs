//! Waits until all replicas that answer have come to a point.

use std::time::Duration;

use rolecall_db::Backend;
use rolecall_organization::ground;
use tokio::time::{Instant, sleep};

use super::App;
use super::follow::Reach;
use super::world::Error;
use crate::domain::token::Point;
use crate::store::{load, replicas};

/// How often it is looked how far they are.
const LOOK: Duration = Duration::from_millis(50);

/// How far all of them have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convergence {
    pub(crate) converged: bool,
    /// How far the last one has come.
    pub(crate) revision: i64,
}

/// Waits, no longer than that.
pub(crate) async fn run(app: &App, point: &Point, patience: Duration) -> Result<Convergence, Error> {
    let begun = Instant::now();
    let is_own = is_of_this_history(app, point).await?;
    loop {
        let revision = oldest(app).await?;
        let converged = is_own && revision >= point.revision;
        if converged || !is_own || begun.elapsed() >= patience {
            return Ok(Convergence { converged, revision });
        }
        sleep(LOOK.min(patience.saturating_sub(begun.elapsed()))).await;
    }
}

async fn is_of_this_history(app: &App, point: &Point) -> Result<bool, Error> {
    if point.epoch.is_none() {
        return Ok(true);
    }
    let view = app.database.view().await?;
    let read = load::epoch(&view).await;
    view.close().await;
    Ok(point.epoch == Some(read?))
}

/// Returns how far the last replica has come; one that answers from the database is where that is.
async fn oldest(app: &App) -> Result<i64, Error> {
    app.follower.step(Reach::Changes).await?;
    let reader = app.database.reader();
    let oldest = match app.database.backend() {
        Backend::Postgres => replicas::oldest(&reader).await?,
        Backend::Sqlite => app.follower.latest().map(|world| world.revision),
    };
    match oldest {
        Some(revision) => Ok(revision),
        None => Ok(ground::head(&reader).await?.revision),
    }
}
