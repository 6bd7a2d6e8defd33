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

/// Deletes a key; a key lies where its account lies.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let key = api_keys::find(&reader, command.api_key_id).await?.ok_or(Error::ApiKeyNotFound)?;
    let found = service_accounts::find_in_scope(&reader, key.service_account_id, &command.scope).await?;
    let account = &found.ok_or(Error::ApiKeyNotFound)?;
    let now = resources.now();
    let deleted = resources
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
        .await;
    match deleted {
        Ok(()) => Ok(Answer::Fresh(())),
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}
