//! What identity providers know a person by: listed and unlinked by itself.

use rolecall_kernel::id::{LinkedIdentityId, SessionId, UserId};

use super::super::fault::{Fault, take_faults};
use super::super::once::{Answer, Once, take_repeats};
use super::super::{Resources, revoke};
use crate::domain::event::Event;
use crate::domain::session::EndReason;
use crate::domain::sso::LinkedIdentity;
use crate::events::publish::by_user;
use crate::store::{credentials, linked_identities, sessions, users};

/// Which link to end.
#[derive(Debug)]
pub(crate) struct Unlink {
    /// Whose it is.
    pub(crate) user_id: UserId,
    /// The link.
    pub(crate) linked_identity_id: LinkedIdentityId,
    /// The session that asks, which goes on.
    pub(crate) session_id: SessionId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the link stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The person has no such link.
    #[error("no such link")]
    LinkedIdentityNotFound,
    /// Nothing else would open the account.
    #[error("nothing else opens the account")]
    LastCredential,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Lists the links of a person.
pub(crate) async fn list(resources: &Resources, user_id: UserId) -> Result<Vec<LinkedIdentity>, Fault> {
    Ok(linked_identities::list(&resources.db.reader(), user_id).await?)
}

/// Ends a link, and the other sessions that began there.
pub(crate) async fn unlink(resources: &Resources, command: &Unlink) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let now = resources.now();
    let ended = resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), now).await?;
            let user = users::lock(&tx, command.user_id).await?.ok_or(Error::LinkedIdentityNotFound)?;
            let links = linked_identities::list(&tx, user.user_id).await?;
            let link = links.iter().find(|link| link.linked_identity_id == command.linked_identity_id);
            let link = link.ok_or(Error::LinkedIdentityNotFound)?;
            if links.len() == 1 && credentials::find(&tx, user.user_id).await?.is_none() {
                return Err(Error::LastCredential);
            }
            linked_identities::delete(&tx, link.linked_identity_id, user.user_id).await?;
            let provider = link.identity_provider_id;
            let mut ended = linked_identities::take_sessions(&tx, provider, user.user_id).await?;
            ended.retain(|session| *session != command.session_id);
            sessions::end_these(&tx, &ended, EndReason::Revoked, now).await?;
            let actor = Some(user.user_id.into());
            revoke::publish(resources, &tx, &ended, &user, actor, EndReason::Revoked, now).await?;
            let happened = by_user(&user, now, Event::IdentityUnlinked(provider));
            resources.publisher.append(&tx, &happened).await?;
            Ok(ended)
        })
        .await;
    match ended {
        Ok(ended) => {
            revoke::obey(resources, &ended, now);
            Ok(Answer::Fresh(()))
        }
        // A parallel run of the same request may have been faster.
        Err(error) => Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(error),
    }
}
