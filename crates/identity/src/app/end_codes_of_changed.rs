//! Ends the codes that were made for a person with other roles than it has now.

use rolecall_db::{Error, inbox};
use rolecall_kernel::id::{EventId, UserId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use crate::store::{codes, users};

/// Whose roles changed, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// The event that tells so.
    pub(crate) event_id: EventId,
    /// The person.
    pub(crate) user_id: UserId,
    /// Since when.
    pub(crate) changed_at: Timestamp,
}

/// Ends the codes that were made up to the change; those made for the new roles stay.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<(), Error> {
    let now = resources.now();
    resources
        .db
        .write(|tx| async move {
            if inbox::accept(&tx, "organization", command.event_id, now).await? {
                // The account first, as everybody does, so that nobody waits in a circle.
                users::lock(&tx, command.user_id).await?;
                codes::end_made_by(&tx, command.user_id, command.changed_at).await?;
            }
            Ok(())
        })
        .await
}
