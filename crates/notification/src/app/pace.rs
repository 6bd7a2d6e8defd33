//! How often a sender that is not trusted with the whole installation may write to one person.

use std::time::Duration;

use rolecall_db::Tx;
use rolecall_kernel::id::{MessageId, SubjectId};
use rolecall_kernel::time::Timestamp;

use crate::context::Shared;
use crate::store::writings;

/// The time over which it is counted: a true day, whenever it begins.
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The sender wrote to somebody as often as a day allows; may write again after the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many messages as a day allows")]
pub(crate) struct TooMany {
    pub(crate) most: u16,
    pub(crate) again: Duration,
}

/// Counts what a sender writes to people; none of it when one of them got enough.
pub(crate) async fn count(
    shared: &Shared,
    tx: &Tx,
    sender: SubjectId,
    recipients: &[SubjectId],
    now: Timestamp,
) -> Result<Result<(), TooMany>, rolecall_db::Error> {
    let most = shared.config.messages_per_day;
    if let Some(full) = writings::find_full(tx, sender, recipients, most, now.minus(DAY)).await? {
        return Ok(Err(TooMany { most, again: full.plus(DAY).since(now) }));
    }
    let written = recipients.iter().map(|recipient| (MessageId::new(now, &*shared.entropy), *recipient));
    writings::insert(tx, sender, &written.collect::<Vec<_>>(), now).await?;
    Ok(Ok(()))
}
