//! The consumer's memory of events it has handled.

use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;

use crate::sql::execute;
use crate::{Error, Tx};

/// Notes an event as handled by this transaction; `false` when an earlier one did.
///
/// It is the first statement of the transaction that handles the event. A delivery of the same
/// event under way elsewhere is waited for.
pub async fn accept(tx: &Tx, source: &str, event_id: EventId, now: Timestamp) -> Result<bool, Error> {
    let text = "INSERT INTO inbox (source, event_id, accepted) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    Ok(execute(tx, text, vec![source.into(), event_id.as_uuid().into(), now.as_micros().into()]).await? == 1)
}
