//! Ends what a person began before it was blocked.

use rolecall_db::{Error, inbox};
use rolecall_kernel::id::{EventId, SessionId, UserId};
use rolecall_kernel::time::Timestamp;

use super::{Resources, access_tokens, revoke};
use crate::domain::session::EndReason;
use crate::store::sessions::{self, Which};
use crate::store::users;

/// Who was blocked, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// The event that tells so.
    pub(crate) event_id: EventId,
    /// The person.
    pub(crate) user_id: UserId,
    /// Since when.
    pub(crate) blocked_at: Timestamp,
}

/// Ends the sessions that began, and the access tokens that were made, up to the block; those begun after it was lifted stay.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<(), Error> {
    let now = resources.now();
    let ended: Vec<SessionId> = resources
        .db
        .write(|tx| async move {
            if !inbox::accept(&tx, "organization", command.event_id, now).await? {
                return Ok(Vec::new());
            }
            let Some(user) = users::find(&tx, command.user_id).await? else {
                return Ok(Vec::new());
            };
            let begun = Which::BegunBy(command.blocked_at);
            let mut ended = sessions::end_of_user(&tx, command.user_id, begun, EndReason::Blocked, now).await?;
            revoke::publish(resources, &tx, &ended, &user, None, EndReason::Blocked, now).await?;
            let made_by = command.blocked_at;
            ended.extend(access_tokens::end_made_by(resources, &tx, &user, None, made_by, now).await?);
            Ok::<_, Error>(ended)
        })
        .await?;
    revoke::obey(resources, &ended, now);
    Ok(())
}
