//! Reads one entry.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::EventId;

use super::details;
use crate::app::App;
use crate::domain::audit::Recorded;
use crate::store::audit;

/// Finds an entry of the scope.
pub(crate) async fn run(app: &App, scope: &Scope, event_id: EventId) -> Result<Option<Recorded>, Error> {
    let reader = app.database.reader();
    let found = audit::find(&reader, scope, event_id).await?;
    Ok(details::open(app, &reader, found.into_iter().collect()).await?.pop())
}
