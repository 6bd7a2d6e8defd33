//! Ends the session of the calling token.

use rolecall_kernel::id::{SessionId, UserId};

use super::fault::Fault;
use super::{Resources, revoke};
use crate::domain::session::EndReason;
use crate::store::{sessions, users};

/// Ends a session; ending it again changes nothing.
pub(crate) async fn run(resources: &Resources, user_id: UserId, session_id: SessionId) -> Result<(), Fault> {
    let now = resources.now();
    resources
        .db
        .write(|tx| async move {
            if !sessions::end(&tx, session_id, EndReason::LoggedOut, now).await? {
                return Ok::<_, Fault>(());
            }
            let user = users::find(&tx, user_id).await?.ok_or(Fault::Defect("a session without an account"))?;
            let actor = Some(user_id.into());
            revoke::publish(resources, &tx, &[session_id], &user, actor, EndReason::LoggedOut, now).await?;
            Ok(())
        })
        .await?;
    revoke::obey(resources, &[session_id], now);
    Ok(())
}
