//! Writes down which calls were refused, for the audit log.

use rolecall_authz::Refusals;
use rolecall_db::Error;
use rolecall_kernel::id::EventId;

use crate::context::Shared;
use crate::events::publish;

/// Under which name refused calls are counted.
const CONTEXT: &str = "notification";

/// Writes what was counted, and returns how many rows that were; what cannot be written is counted on.
pub(crate) async fn run(shared: &Shared, refusals: &Refusals) -> Result<usize, Error> {
    let taken = &refusals.take(CONTEXT);
    if taken.is_empty() {
        return Ok(0);
    }
    let now = shared.clock.now();
    let written = shared.database.write(|tx| async move {
        for refused in taken {
            let event_id = EventId::new(now, shared.entropy.as_ref());
            publish::append_refused(&tx, event_id, refused, now).await?;
        }
        Ok::<_, Error>(taken.len())
    });
    let written = written.await;
    if written.is_err() {
        refusals.put_back(CONTEXT, taken.clone());
    }
    written
}
