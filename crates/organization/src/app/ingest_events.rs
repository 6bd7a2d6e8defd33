//! Takes events of all contexts into the audit log, each once.

use rolecall_db::{Error, inbox};

use super::{App, owner_credentials};
use crate::domain::audit::AuditEvent;
use crate::store::audit;

/// Adds the events that are not in the log yet.
pub(crate) async fn run(app: &App, events: &[AuditEvent]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    app.database
        .write(|tx| async move {
            let now = app.now();
            let mut fresh = Vec::with_capacity(events.len());
            for event in events {
                if inbox::accept(&tx, source(&event.topic), event.event_id, now).await? {
                    owner_credentials::tell(app, &tx, event).await?;
                    fresh.push(event.clone());
                }
            }
            audit::insert_all(&tx, &fresh).await
        })
        .await
}

/// The context that a topic begins with.
fn source(topic: &str) -> &str {
    topic.split_once('.').map_or(topic, |(context, _)| context)
}
