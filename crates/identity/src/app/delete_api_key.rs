//! Deletes a key of a service account.

use rolecall_authz::Scope;
use rolecall_kernel::id::{ApiKeyId, SubjectId};

use super::Resources;
use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use crate::domain::event::Event;
use crate::events::publish::about;
use crate::store::{api_keys, service_accounts};

/// Which key.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who deletes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The key.
    pub(crate) api_key_id: ApiKeyId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the key stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such key within what the actor may see.
    #[error("no such key")]
    ApiKeyNotFound,
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
            Self::ApiKeyNotFound => true,
            Self::Fault(fault) => fault.is_repeat(),
            Self::RequestIdReused => false,
        }
    }
}

/// Deletes a key; a key lies where its account lies.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    match delete(resources, command).await {
        Ok(()) => Ok(Answer::Fresh(())),
        // To a parallel run of the same request that was slower, the key may be gone.
        Err(error) if error.may_be_repeat() => {
            Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

async fn delete(resources: &Resources, command: &Command) -> Result<(), Error> {
    let reader = resources.db.reader();
    let key = api_keys::find(&reader, command.api_key_id).await?.ok_or(Error::ApiKeyNotFound)?;
    let found = service_accounts::find_in_scope(&reader, key.service_account_id, &command.scope).await?;
    let account = &found.ok_or(Error::ApiKeyNotFound)?;
    let now = resources.now();
    resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), now).await?;
            if !api_keys::delete(&tx, command.api_key_id).await? {
                return Err(Error::ApiKeyNotFound);
            }
            let (target, event) = (Some(account.service_account_id.into()), Event::ApiKeyDeleted(command.api_key_id));
            let happened = about(Some(command.actor), account.organization_id, target, now, event);
            resources.publisher.append(&tx, &happened).await?;
            Ok(())
        })
        .await
}
