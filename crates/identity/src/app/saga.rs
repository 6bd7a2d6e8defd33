//! Work that spans contexts: begun, finished, undone, and taken up when its worker is gone.

use std::time::Duration;

use rolecall_kernel::id::{SagaId, ServiceAccountId, UserId};

use super::Resources;
use super::fault::Fault;
use crate::domain::saga::{Recovery, Saga, SagaKind, SagaState};
use crate::peers::PeerError;
use crate::store::sagas;

/// How often organization is asked again before the rest is left to the recovery.
const TRIES: u32 = 3;

/// Stores that the work has begun, before any other context hears of it.
pub(crate) async fn begin(resources: &Resources, saga: &Saga) -> Result<(), Fault> {
    let lease_until = resources.now().plus(resources.config.saga_lease);
    resources.db.write(|tx| async move { sagas::insert(&tx, saga, lease_until).await }).await?;
    Ok(())
}

/// Gives work up that is not committed; what cannot be undone now is undone by the recovery.
pub(crate) async fn abandon(resources: &Resources, saga: &Saga) {
    let id = saga.saga_id;
    let given_up = resources
        .db
        .write(|tx| async move { sagas::advance(&tx, id, SagaState::Started, SagaState::Aborting).await })
        .await;
    let undone = match given_up {
        // Somebody else took it over, and undoes it.
        Ok(false) => return,
        Ok(true) => settle(resources, saga, Recovery::Undo).await,
        Err(error) => Err(Fault::Store(error)),
    };
    if let Err(error) = undone {
        tracing::warn!(%error, kind = saga.kind.as_str(), "unfinished work is left to the recovery");
    }
}

/// Finishes committed work; the answer to the caller comes after this.
pub(crate) async fn finish(resources: &Resources, saga: &Saga) -> Result<(), Fault> {
    settle(resources, saga, Recovery::Finish).await
}

/// Finishes the work of this name if it is committed and its worker did not come to its end.
pub(crate) async fn finish_if_left(resources: &Resources, id: SagaId) -> Result<(), Fault> {
    match sagas::find(&resources.db.reader(), id).await? {
        Some(saga) if saga.state == SagaState::Committed => finish(resources, &saga).await,
        Some(_) | None => Ok(()),
    }
}

async fn settle(resources: &Resources, saga: &Saga, recovery: Recovery) -> Result<(), Fault> {
    let mut tried = 0;
    loop {
        tried += 1;
        match tell_organization(resources, saga, recovery).await {
            Ok(()) => break,
            Err(PeerError::Unavailable(_)) if tried < TRIES => {
                tokio::time::sleep(Duration::from_millis(50) * tried).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if saga.kind == SagaKind::CreateUser && recovery == Recovery::Finish {
        rolecall_db::fault::point("create_user.after_confirm");
    }
    let id = saga.saga_id;
    resources.db.write(|tx| async move { sagas::delete(&tx, id).await }).await?;
    Ok(())
}

async fn tell_organization(resources: &Resources, saga: &Saga, recovery: Recovery) -> Result<(), PeerError> {
    let organization = &resources.organization;
    let (user, account) =
        (UserId::from_uuid(saga.saga_id.as_uuid()), ServiceAccountId::from_uuid(saga.saga_id.as_uuid()));
    match (saga.kind, recovery) {
        (SagaKind::CreateUser, Recovery::Undo) => organization.remove_member(user).await,
        (SagaKind::CreateUser, Recovery::Finish) => organization.confirm_member(user).await,
        (SagaKind::CreateServiceAccount, Recovery::Finish) => Ok(()),
        (SagaKind::CreateServiceAccount, Recovery::Undo) | (SagaKind::DeleteServiceAccount, _) => {
            organization.remove_service_account(account).await
        }
    }
}

/// Takes up work whose worker is gone; returns how much was settled.
pub(crate) async fn recover(resources: &Resources) -> Result<usize, Fault> {
    let mut settled = 0;
    for saga in sagas::list_abandoned(&resources.db.reader(), resources.now(), 100).await? {
        let (now, work) = (resources.now(), &saga);
        let until = now.plus(resources.config.saga_lease);
        if !resources.db.write(|tx| async move { sagas::take_over(&tx, work, now, until).await }).await? {
            continue;
        }
        match settle(resources, &saga, saga.recovery()).await {
            Ok(()) => settled += 1,
            Err(error) => tracing::warn!(%error, kind = saga.kind.as_str(), "unfinished work could not be settled"),
        }
    }
    Ok(settled)
}
