//! Ends a personal access token, with the access tokens that were exchanged for it.

use rolecall_kernel::id::{AccessTokenId, UserId};

use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, access_tokens as ends, revoke};
use crate::domain::access_token::session_of;
use crate::store::{access_tokens, users};

/// Which token.
#[derive(Debug)]
pub(crate) struct Command {
    /// The person.
    pub(crate) user_id: UserId,
    /// The token.
    pub(crate) access_token_id: AccessTokenId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the token stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The person has no such token.
    #[error("no such access token")]
    AccessTokenNotFound,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

impl Error {
    fn may_be_repeat(&self) -> bool {
        match self {
            Self::AccessTokenNotFound => true,
            Self::Fault(fault) => fault.is_repeat(),
            Self::RequestIdReused => false,
        }
    }
}

/// Ends a token.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    match end(resources, command).await {
        Ok(()) => Ok(Answer::Fresh(())),
        // To a parallel run of the same request that was slower, the token may be gone.
        Err(error) if error.may_be_repeat() => {
            Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

async fn end(resources: &Resources, command: &Command) -> Result<(), Error> {
    let (id, user_id, now) = (command.access_token_id, command.user_id, resources.now());
    resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), now).await?;
            if !access_tokens::delete(&tx, id, user_id).await? {
                return Err(Error::AccessTokenNotFound);
            }
            let user = users::find(&tx, user_id).await?.ok_or(Error::Fault(Fault::Defect("no such account")))?;
            ends::publish(resources, &tx, id, &user, Some(user_id.into()), now).await?;
            Ok(())
        })
        .await?;
    revoke::obey(resources, &[session_of(id)], now);
    Ok(())
}
