//! Changes the name or the permissions of a service account.
//!
//! Permissions are organization's to give, so they change there first. Until our own commit the change is unfinished
//! work, which also keeps any other change of the account waiting; undone, organization gets back what our row says.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{SagaId, ServiceAccountId, SubjectId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;

use super::fault::Fault;
use super::once::{Answer, Once, take_repeats};
use super::{Resources, saga};
use crate::domain::event::Event;
use crate::domain::saga::{Saga, SagaKind, SagaState};
use crate::domain::service_account::ServiceAccount;
use crate::events::publish::about;
use crate::peers::{PeerError, Refusal};
use crate::store::{SAGAS_PKEY, sagas, service_accounts};

/// What to change.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who changes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The account.
    pub(crate) service_account_id: ServiceAccountId,
    /// The version that the change is based on; none means whichever is current.
    pub(crate) etag: Option<String>,
    /// What it is called from now on.
    pub(crate) name: Option<PersonName>,
    /// Names of the permissions that it holds from now on.
    pub(crate) permissions: Option<Vec<String>>,
    /// The name of the change.
    pub(crate) once: Option<Once<ServiceAccount>>,
}

/// Why the account stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such service account")]
    ServiceAccountNotFound,
    /// The account has this version meanwhile.
    #[error("the account changed meanwhile")]
    EtagMismatch(i64),
    /// One of the permissions is beyond what the actor may give.
    #[error("a permission is not grantable")]
    PermissionNotGrantable,
    /// One of the permissions is none.
    #[error("a permission is unknown")]
    PermissionUnknown,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_repeats!(Error);

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::NotFound) => Self::ServiceAccountNotFound,
            PeerError::Refused(Refusal::PermissionNotGrantable | Refusal::ActorNotEntitled) => {
                Self::PermissionNotGrantable
            }
            PeerError::Refused(Refusal::RequestInvalid) => Self::PermissionUnknown,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl Error {
    /// Whether a parallel run of the same request may have been faster.
    fn may_be_repeat(&self) -> bool {
        match self {
            Self::EtagMismatch(_) => true,
            Self::Fault(fault) => fault.is_repeat() || matches!(fault, Fault::Store(StoreError::Conflict)),
            Self::ServiceAccountNotFound
            | Self::PermissionNotGrantable
            | Self::PermissionUnknown
            | Self::RequestIdReused => false,
        }
    }
}

/// Changes an account; other permissions count from the answer on.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<ServiceAccount>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    match update(resources, command).await {
        Ok(account) => Ok(Answer::Fresh(account)),
        Err(error) if error.may_be_repeat() => {
            Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

async fn update(resources: &Resources, command: &Command) -> Result<ServiceAccount, Error> {
    let reader = resources.db.reader();
    let found = service_accounts::find_in_scope(&reader, command.service_account_id, &command.scope).await?;
    let before = found.ok_or(Error::ServiceAccountNotFound)?;
    if command.etag.as_ref().is_some_and(|etag| *etag != before.version.to_string()) {
        return Err(Error::EtagMismatch(before.version));
    }
    let after = ServiceAccount {
        name: command.name.clone().unwrap_or_else(|| before.name.clone()),
        permissions: command.permissions.clone().unwrap_or_else(|| before.permissions.clone()),
        version: before.version + 1,
        ..before.clone()
    };
    if after.permissions == before.permissions {
        commit(resources, command, &before, &after, None).await?;
        return Ok(after);
    }
    let saga = Saga {
        saga_id: SagaId::from_uuid(command.service_account_id.as_uuid()),
        kind: SagaKind::UpdateServiceAccount,
        state: SagaState::Started,
    };
    saga::begin(resources, &saga).await.map_err(or_busy)?;
    match give_and_commit(resources, command, &before, &after, &saga).await {
        Ok(()) => Ok(after),
        Err(error) => {
            saga::abandon(resources, &saga).await;
            Err(error)
        }
    }
}

async fn give_and_commit(
    resources: &Resources,
    command: &Command,
    before: &ServiceAccount,
    after: &ServiceAccount,
    saga: &Saga,
) -> Result<(), Error> {
    let (id, actor) = (before.service_account_id, Some(command.actor));
    resources.organization.update_service_account(id, &after.permissions, actor).await?;
    rolecall_db::fault::point("update_service_account.after_give");
    commit(resources, command, before, after, Some(saga)).await
}

async fn commit(
    resources: &Resources,
    command: &Command,
    before: &ServiceAccount,
    after: &ServiceAccount,
    saga: Option<&Saga>,
) -> Result<(), Error> {
    let now = resources.now();
    let change = &Change { before, after, saga };
    let changed = resources.db.write(|tx| async move { store(resources, &tx, command, change, now).await }).await;
    match changed {
        // Whoever named a version learns the one that took its place; others repeat the call on what is there now.
        Err(Error::Fault(Fault::Store(StoreError::Conflict))) if command.etag.is_some() => {
            let current = service_accounts::find(&resources.db.reader(), before.service_account_id).await?;
            let moved = current.filter(|account| account.version != before.version);
            Err(moved.map_or(StoreError::Conflict.into(), |account| Error::EtagMismatch(account.version)))
        }
        changed => changed,
    }
}

/// What takes the place of what, and the unfinished work that this ends.
struct Change<'a> {
    before: &'a ServiceAccount,
    after: &'a ServiceAccount,
    saga: Option<&'a Saga>,
}

/// Stores the change, unless the account is gone or was changed since it was read.
async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    change: &Change<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let Change { before, after, saga } = *change;
    let subject = SubjectId::from(before.service_account_id);
    let facts = RowFacts::of_subject(before.organization_id, subject);
    let permit = &command.scope.permit(facts).ok_or(Error::ServiceAccountNotFound)?;
    Once::store(command.once.as_ref(), tx, after, now).await?;
    if !service_accounts::update(tx, permit, after, before.version).await? {
        return Err(StoreError::Conflict.into());
    }
    let event = Event::ServiceAccountUpdated(after.permissions.clone());
    let happened = about(Some(command.actor), before.organization_id, Some(subject), now, event);
    resources.publisher.append(tx, &happened).await?;
    if let Some(saga) = saga {
        // Organization has nothing left to do, so the commit also ends the work.
        if !sagas::advance(tx, saga.saga_id, SagaState::Started, SagaState::Committed).await? {
            return Err(StoreError::Conflict.into());
        }
        sagas::delete(tx, saga.saga_id).await?;
    }
    Ok(())
}

/// A second piece of work on one account has to come back in a moment.
fn or_busy(fault: Fault) -> Error {
    if fault.violates(SAGAS_PKEY) { StoreError::Conflict.into() } else { Error::Fault(fault) }
}
