//! How far the log is behind what happened.

use std::time::Duration;

use rolecall_db::{Error, outbox};

use crate::app::App;
use crate::store::{audit, audit_sources};

/// Returns what the events that came last needed to come, or how long one waits that is known to be on its way.
pub(crate) async fn run(app: &App) -> Result<Duration, Error> {
    let (reader, now) = (app.database.reader(), app.now());
    let own = outbox::oldest_pending(&reader, "organization").await?;
    let unchained = audit::list_unchained(&reader, 1).await?.pop().map(|stored| stored.event.occurred);
    let waiting = own.into_iter().chain(unchained).min().map(|since| now.since(since)).unwrap_or_default();
    let came = Duration::from_micros(u64::try_from(audit_sources::delay(&reader).await?).unwrap_or_default());
    Ok(waiting.max(came))
}
