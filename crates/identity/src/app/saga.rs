//! Work that spans contexts: begun, finished, undone, and taken up when its worker is gone.

use std::time::Duration;

use rolecall_kernel::id::{SagaId, ServiceAccountId, UserId};

use super::fault::Fault;
use super::{Resources, delete_user};
use crate::domain::saga::{Order, Recovery, Saga, SagaKind, SagaState};
use crate::peers::{PeerError, Refusal};
use crate::store::{credentials, registrations, sagas, service_accounts, users};

/// How often organization is asked again before the rest is left to the recovery.
const TRIES: u32 = 3;

/// Stores that the work has begun, before any other context hears of it.
pub(crate) async fn begin(resources: &Resources, saga: &Saga) -> Result<(), Fault> {
    let lease_until = resources.now().plus(resources.config.saga_lease);
    resources.db.write(|tx| async move { sagas::insert(&tx, saga, lease_until).await }).await?;
    Ok(())
}

/// Stores that work has begun whose end depends on who ordered it.
pub(crate) async fn begin_ordered(resources: &Resources, saga: &Saga, order: &Order) -> Result<(), Fault> {
    let lease_until = resources.now().plus(resources.config.saga_lease);
    resources.db.write(|tx| async move { sagas::insert_ordered(&tx, saga, order, lease_until).await }).await?;
    Ok(())
}

/// Gives work up that is not committed; what cannot be undone now is undone by the recovery.
pub(crate) async fn abandon(resources: &Resources, saga: &Saga) {
    let id = saga.saga_id;
    let given_up = resources
        .db
        .write(|tx| async move {
            let is_ours = sagas::advance(&tx, id, SagaState::Started, SagaState::Aborting).await?;
            if is_ours && saga.kind == SagaKind::RegisterUser {
                // At once, whether or not organization can be told now: the next try makes another account.
                registrations::reopen(&tx, UserId::from_uuid(id.as_uuid())).await?;
            }
            Ok::<_, rolecall_db::Error>(is_ours)
        })
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

/// What organization made of its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is done.
    Done,
    /// Whoever ordered it lost the right to it since our part was committed.
    NotEntitled,
}

async fn settle(resources: &Resources, saga: &Saga, recovery: Recovery) -> Result<(), Fault> {
    let mut tried = 0;
    let told = loop {
        tried += 1;
        match tell_organization(resources, saga, recovery).await {
            Ok(told) => break told,
            Err(Fault::Peer(PeerError::Unavailable(_))) if tried < TRIES => {
                tokio::time::sleep(Duration::from_millis(50) * tried).await;
            }
            Err(error) => return Err(error),
        }
    };
    if saga.kind == SagaKind::CreateUser && recovery == Recovery::Finish {
        rolecall_db::fault::point("create_user.after_confirm");
    }
    let (id, now) = (saga.saga_id, resources.now());
    resources
        .db
        .write(|tx| async move {
            // A repeat settles what the first run works on as well; who comes second changes nothing any more.
            let is_ours = sagas::delete(&tx, id).await?;
            if is_ours && told == Told::NotEntitled {
                // Like an invitation whose inviter lost the right: the account stays, and nobody can log in.
                let user_id = UserId::from_uuid(id.as_uuid());
                credentials::delete(&tx, user_id).await?;
                users::deactivate(&tx, user_id, now).await?;
            }
            if is_ours && saga.kind == SagaKind::RegisterUser && recovery == Recovery::Undo {
                registrations::reopen(&tx, UserId::from_uuid(id.as_uuid())).await?;
            }
            Ok::<_, rolecall_db::Error>(())
        })
        .await?;
    Ok(())
}

async fn tell_organization(resources: &Resources, saga: &Saga, recovery: Recovery) -> Result<Told, Fault> {
    let organization = &resources.organization;
    let (user, account) =
        (UserId::from_uuid(saga.saga_id.as_uuid()), ServiceAccountId::from_uuid(saga.saga_id.as_uuid()));
    match (saga.kind, recovery) {
        (SagaKind::CreateUser | SagaKind::CreateActiveUser | SagaKind::RegisterUser, Recovery::Undo) => {
            organization.remove_member(user).await?;
        }
        (SagaKind::CreateUser | SagaKind::RegisterUser, Recovery::Finish) => organization.confirm_member(user).await?,
        (SagaKind::YieldUser, _) => organization.yield_member(user).await?,
        (SagaKind::CreateActiveUser, Recovery::Finish) => return activate(resources, saga, user).await,
        // It is not told what to do but asked; `delete_user` does that.
        (SagaKind::DeleteUser | SagaKind::EraseUser, _)
        | (SagaKind::CreateServiceAccount | SagaKind::UpdateServiceAccount, Recovery::Finish) => {}
        (SagaKind::UpdateServiceAccount, Recovery::Undo) => {
            // What our row says is what was answered last.
            if let Some(found) = service_accounts::find(&resources.db.reader(), account).await? {
                organization.update_service_account(account, &found.permissions, None).await?;
            }
        }
        (SagaKind::CreateServiceAccount, Recovery::Undo) | (SagaKind::DeleteServiceAccount, _) => {
            organization.remove_service_account(account).await?;
        }
    }
    Ok(Told::Done)
}

/// Reveals the member and makes its roles count, if whoever made the account still may.
async fn activate(resources: &Resources, saga: &Saga, user: UserId) -> Result<Told, Fault> {
    let organization = &resources.organization;
    let Some(order) = sagas::find_order(&resources.db.reader(), saga.saga_id).await? else {
        // Every such work has its order, so the work is gone: somebody else came to its end meanwhile.
        return Ok(Told::Done);
    };
    organization.confirm_member(user).await?;
    rolecall_db::fault::point("create_user.after_confirm");
    match organization.activate_member(user, order.actor).await {
        Ok(_) => Ok(Told::Done),
        Err(PeerError::Refused(Refusal::InviterNotEntitled)) => Ok(Told::NotEntitled),
        Err(error) => Err(error.into()),
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
        let done = match saga.kind {
            SagaKind::DeleteUser | SagaKind::EraseUser => delete_user::resume(resources, &saga).await,
            SagaKind::CreateUser
            | SagaKind::CreateActiveUser
            | SagaKind::RegisterUser
            | SagaKind::YieldUser
            | SagaKind::CreateServiceAccount
            | SagaKind::UpdateServiceAccount
            | SagaKind::DeleteServiceAccount => settle(resources, &saga, saga.recovery()).await,
        };
        match done {
            Ok(()) => settled += 1,
            Err(error) => tracing::warn!(%error, kind = saga.kind.as_str(), "unfinished work could not be settled"),
        }
    }
    Ok(settled)
}
