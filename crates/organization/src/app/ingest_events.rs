//! Takes events of all contexts into the audit log, each once.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use rolecall_db::{Error, Tx, inbox};
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

use super::{App, owner_credentials};
use crate::domain::audit::AuditEvent;
use crate::store::{audit, audit_keys, audit_sources};

/// An event of any context, as whoever listens beside the audit log learns of it.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its id, by which a repeat is recognised.
    pub event_id: EventId,
    /// What happened, such as `identity.email_proven`.
    pub topic: String,
    /// To whom or what it happened.
    pub target_id: Option<Uuid>,
    /// What is told of it, by name.
    pub details: BTreeMap<String, String>,
}

/// Hears of events before the audit log takes them, each time that they are told: also again, until both have them.
pub type Listener = Arc<dyn Fn(Arrived) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

/// Adds the events that are not in the log yet.
pub(crate) async fn run(app: &App, events: &[AuditEvent]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    if let Some(listener) = app.listener.get() {
        for event in events {
            let (topic, details) = (event.topic.clone(), event.details.clone());
            listener(Arrived { event_id: event.event_id, topic, target_id: event.target_id, details }).await?;
        }
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
            count(&tx, &fresh, now).await?;
            for erased in fresh.iter().filter(|event| event.erases()).filter_map(|event| event.target_id) {
                audit_keys::erase(&tx, erased, now).await?;
            }
            audit::insert_all(&tx, &fresh).await
        })
        .await?;
    app.audit.taken.notify_one();
    Ok(())
}

/// Notes which numbers came, and how long the slowest event was on its way.
async fn count(tx: &Tx, fresh: &[AuditEvent], now: Timestamp) -> Result<(), Error> {
    let mut sources: BTreeMap<&str, Vec<&AuditEvent>> = BTreeMap::new();
    for event in fresh {
        sources.entry(source(&event.topic)).or_default().push(event);
    }
    for (source, events) in sources {
        let numbers: Vec<i64> = events.iter().map(|event| event.source_number).filter(|number| *number > 0).collect();
        let delay = events.iter().map(|event| now.since(event.occurred)).max().unwrap_or_default();
        audit_sources::take(tx, source, &numbers, delay, now).await?;
    }
    Ok(())
}

/// The context that a topic begins with.
fn source(topic: &str) -> &str {
    topic.split_once('.').map_or(topic, |(context, _)| context)
}
