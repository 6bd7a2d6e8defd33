//! Writes down which calls were refused, for the audit log.

use rolecall_authz::{Refusals, Refused};
use rolecall_db::Error as StoreError;

use super::Resources;
use crate::domain::event::Event;
use crate::events::publish::about;

/// Under which name refused calls are counted.
const CONTEXT: &str = "identity";

/// Writes what was counted, and returns how many rows that were; what cannot be written is counted on.
pub(crate) async fn run(resources: &Resources, refusals: &Refusals) -> Result<usize, StoreError> {
    let taken = &refusals.take(CONTEXT);
    if taken.is_empty() {
        return Ok(0);
    }
    let now = resources.now();
    let written = resources.db.write(|tx| async move {
        for refused in taken {
            let happened = about(refused.caller, refused.organization, None, now, event(refused));
            resources.publisher.append(&tx, &happened).await?;
        }
        Ok::<_, StoreError>(taken.len())
    });
    let written = written.await;
    if written.is_err() {
        refusals.put_back(CONTEXT, taken.clone());
    }
    written
}

fn event(refused: &Refused) -> Event {
    Event::CallsRefused {
        method: refused.method.to_string(),
        count: refused.count,
        reasons: refused.reasons.iter().cloned().collect(),
    }
}
