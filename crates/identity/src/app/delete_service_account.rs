//! Deletes the account of a program; its keys and tokens end at once.

use rolecall_authz::{RowFacts, Scope};
use rolecall_kernel::id::{SagaId, ServiceAccountId, SubjectId};

use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, revoke, saga};
use crate::domain::event::Event;
use crate::domain::saga::{Saga, SagaKind, SagaState};
use crate::domain::service_account::ServiceAccount;
use crate::events::publish::about;
use crate::store::{SAGAS_PKEY, sagas, service_accounts};

/// Which account.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who deletes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The account.
    pub(crate) service_account_id: ServiceAccountId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the account stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such service account")]
    ServiceAccountNotFound,
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
            Self::ServiceAccountNotFound => true,
            Self::Fault(fault) => fault.is_repeat(),
            Self::RequestIdReused => false,
        }
    }
}

/// Deletes an account: gone here with the commit, its permissions right after.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    if let Some(stored) = stored(resources, command).await? {
        return Ok(Answer::Stored(stored));
    }
    match delete(resources, command).await {
        Ok(()) => Ok(Answer::Fresh(())),
        // To a parallel run of the same request that was slower, the account may be gone.
        Err(error) if error.may_be_repeat() => stored(resources, command).await?.map(Answer::Stored).ok_or(error),
        Err(error) => Err(error),
    }
}

/// Finds the answer of an earlier run, which is given only once that run's work is finished.
async fn stored(resources: &Resources, command: &Command) -> Result<Option<Vec<u8>>, Error> {
    let stored = Once::find(command.once.as_ref(), &resources.db.reader()).await?;
    if stored.is_some() {
        let saga_id = SagaId::from_uuid(command.service_account_id.as_uuid());
        saga::finish_if_left(resources, saga_id).await.map_err(Error::Fault)?;
    }
    Ok(stored)
}

async fn delete(resources: &Resources, command: &Command) -> Result<(), Error> {
    let reader = resources.db.reader();
    let saga_id = SagaId::from_uuid(command.service_account_id.as_uuid());
    let found = service_accounts::find_in_scope(&reader, command.service_account_id, &command.scope).await?;
    let account = found.ok_or(Error::ServiceAccountNotFound)?;
    let saga = Saga { saga_id, kind: SagaKind::DeleteServiceAccount, state: SagaState::Committed };
    let now = resources.now();
    commit(resources, command, &account, &saga).await.map_err(or_busy)?;
    resources.revocations.revoke_subject_before(command.service_account_id.into(), now);
    saga::finish(resources, &saga).await.map_err(Error::Fault)
}

/// While the account is changed, its deletion has to come back in a moment.
fn or_busy(error: Error) -> Error {
    match error {
        Error::Fault(fault) if fault.violates(SAGAS_PKEY) => rolecall_db::Error::Conflict.into(),
        error @ (Error::Fault(_) | Error::ServiceAccountNotFound | Error::RequestIdReused) => error,
    }
}

async fn commit(resources: &Resources, command: &Command, account: &ServiceAccount, saga: &Saga) -> Result<(), Error> {
    let subject = SubjectId::from(account.service_account_id);
    let facts = RowFacts::of_subject(account.organization_id, subject);
    let permit = &command.scope.permit(facts).ok_or(Error::ServiceAccountNotFound)?;
    let now = resources.now();
    let lease_until = now.plus(resources.config.saga_lease);
    resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), now).await?;
            if !service_accounts::delete(&tx, permit).await? {
                return Err(Error::ServiceAccountNotFound);
            }
            sagas::insert(&tx, saga, lease_until).await?;
            revoke::publish_subject(resources, &tx, subject, now).await?;
            let event = Event::ServiceAccountDeleted;
            let happened = about(Some(command.actor), account.organization_id, Some(subject), now, event);
            resources.publisher.append(&tx, &happened).await?;
            Ok(())
        })
        .await
}
