//! Deletes an account: organization ends the membership if it may end, then everything ends here.
//!
//! Organization's part is the point of no return, so whoever finds the work half done carries it on.

pub(super) mod endings;
pub(crate) mod purge;

use std::time::Duration;

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_db::idempotency::{self, Fingerprint};
use rolecall_kernel::id::{SagaId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::fault::Fault;
use super::once::{Answer, Once, take_repeats};
use super::{Resources, revoke};
use crate::domain::saga::{Order, Saga, SagaKind, SagaState};
use crate::peers::{PeerError, Refusal};
use crate::store::{SAGAS_PKEY, sagas, users};

/// The method, as the names of changes know it.
pub(crate) const METHOD: &str = "UserService/DeleteUser";
/// What the actor needs where the account belongs.
pub(crate) const PERMISSION: &str = "identity.users.delete";
/// How long a parallel deletion of the same account is waited for.
const PATIENCE: u32 = 100;
const GLANCE: Duration = Duration::from_millis(20);
/// How often organization is asked before the rest is left to whoever comes next.
const TRIES: u32 = 3;

/// Which account.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who deletes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The account.
    pub(crate) user_id: UserId,
    /// The version that is meant; none means whichever is current.
    pub(crate) etag: Option<String>,
    /// Whether what names the person is erased at once.
    pub(crate) erase: bool,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the account stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// Nobody deletes itself.
    #[error("nobody does this to itself")]
    SelfRefused,
    /// Nobody who can act would be in charge.
    #[error("the last in charge stays")]
    LastHolder,
    /// The account stands above the actor.
    #[error("the account stands above the actor")]
    EqualProtected,
    /// The actor lost the right to it while asking.
    #[error("the actor lacks the right")]
    PermissionMissing(&'static str),
    /// The account changed; this is its version now.
    #[error("the account has changed to {0}")]
    EtagMismatch(String),
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::SelfRefused) => Self::SelfRefused,
            PeerError::Refused(Refusal::LastHolder) => Self::LastHolder,
            PeerError::Refused(Refusal::RoleNotGrantable) => Self::EqualProtected,
            PeerError::Refused(Refusal::ActorNotEntitled) => Self::PermissionMissing(PERMISSION),
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

take_repeats!(Error);

/// Deletes an account.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    loop {
        if let Some(stored) = Once::find(command.once.as_ref(), &resources.db.reader()).await? {
            return Ok(Answer::Stored(stored));
        }
        match delete(resources, command).await {
            Ok(Deleted::ByUs) => return Ok(Answer::Fresh(())),
            // Then it is gone, or it stays for a reason that we find out.
            Ok(Deleted::ByOthers) => {}
            // To a parallel run of the same request that was slower, the account is gone.
            Err(Error::UserNotFound) => {
                let stored = Once::find(command.once.as_ref(), &resources.db.reader()).await?;
                return stored.map(Answer::Stored).ok_or(Error::UserNotFound);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Who came to an end with it.
enum Deleted {
    ByUs,
    ByOthers,
}

async fn delete(resources: &Resources, command: &Command) -> Result<Deleted, Error> {
    let found = users::find_in_scope(&resources.db.reader(), command.user_id, &command.scope).await?;
    let user = found.ok_or(Error::UserNotFound)?;
    if command.actor == user.user_id.into() {
        return Err(Error::SelfRefused);
    }
    let saga = Saga {
        saga_id: SagaId::from_uuid(user.user_id.as_uuid()),
        kind: if command.erase { SagaKind::EraseUser } else { SagaKind::DeleteUser },
        state: SagaState::Started,
    };
    let request = command.once.as_ref().map(|once| (once.request_id, *once.fingerprint.as_bytes()));
    let order = &Order { actor: command.actor, request };
    let work = &saga;
    match resources.db.write(|tx| async move { begin(resources, &tx, command, work, order).await }).await {
        Ok(()) => {
            rolecall_db::fault::point("delete_user.after_start");
            carry_on(resources, &saga, order, None).await.map(|()| Deleted::ByUs)
        }
        Err(Error::Fault(fault)) if fault.violates(SAGAS_PKEY) => wait(resources, &saga, order).await,
        Err(error) => Err(error),
    }
}

/// Stores that the work has begun; from here on the account counts as it is now.
async fn begin(resources: &Resources, tx: &Tx, command: &Command, saga: &Saga, order: &Order) -> Result<(), Error> {
    let user = users::lock(tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    let row = RowFacts::of_subject(Some(user.organization_id), user.user_id.into());
    command.scope.permit(row).ok_or(Error::UserNotFound)?;
    let current = user.etag();
    if command.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch(current));
    }
    let lease_until = resources.now().plus(resources.config.saga_lease);
    sagas::insert_ordered(tx, saga, order, lease_until).await?;
    Ok(())
}

/// Waits until a parallel deletion of the same account came to its end; carries it on if its worker is gone.
async fn wait(resources: &Resources, saga: &Saga, order: &Order) -> Result<Deleted, Error> {
    for _ in 0..PATIENCE {
        let Some(found) = sagas::find(&resources.db.reader(), saga.saga_id).await? else {
            return Ok(Deleted::ByOthers);
        };
        if !matches!(found.kind, SagaKind::DeleteUser | SagaKind::EraseUser) {
            tokio::time::sleep(GLANCE).await;
            continue;
        }
        let (now, until) = (resources.now(), resources.now().plus(resources.config.saga_lease));
        if resources.db.write(|tx| async move { sagas::take_over(&tx, saga, now, until).await }).await? {
            let before = sagas::find_order(&resources.db.reader(), saga.saga_id).await?;
            return carry_on(resources, saga, order, before.as_ref()).await.map(|()| Deleted::ByUs);
        }
        tokio::time::sleep(GLANCE).await;
    }
    Err(rolecall_db::Error::Conflict.into())
}

/// Carries on a deletion whose worker is gone; one that is refused now leaves the account as it is.
pub(crate) async fn resume(resources: &Resources, saga: &Saga) -> Result<(), Fault> {
    let Some(order) = sagas::find_order(&resources.db.reader(), saga.saga_id).await? else { return Ok(()) };
    match carry_on(resources, saga, &order, None).await {
        Err(Error::Fault(fault)) => Err(fault),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Has organization end the membership, and then ends everything here; `before` is who ordered it first.
async fn carry_on(resources: &Resources, saga: &Saga, order: &Order, before: Option<&Order>) -> Result<(), Error> {
    let (saga_id, user_id) = (saga.saga_id, UserId::from_uuid(saga.saga_id.as_uuid()));
    let erase = saga.kind == SagaKind::EraseUser;
    if let Err(error) = end_member(resources, user_id, order.actor).await {
        let (is_unknown, now) = (matches!(error, PeerError::Unavailable(_)), resources.now());
        // Refused: nothing happened. Out of reach: whether something did will be found out by whoever comes next.
        resources
            .db
            .write(|tx| async move {
                if is_unknown {
                    sagas::release(&tx, saga_id, now).await
                } else {
                    sagas::delete(&tx, saga_id).await.map(drop)
                }
            })
            .await?;
        return Err(error.into());
    }
    rolecall_db::fault::point("delete_user.after_end_member");
    let now = resources.now();
    let ended = resources
        .db
        .write(|tx| async move {
            sagas::delete(&tx, saga_id).await?;
            let Some(user) = users::lock(&tx, user_id).await? else { return Ok(Vec::new()) };
            remember(&tx, order, now).await?;
            if let Some(before) = before.filter(|before| !before.is_repeated_by(order)) {
                remember(&tx, before, now).await?;
            }
            endings::end_everything(resources, &tx, &user, order.actor, erase, now).await
        })
        .await?;
    rolecall_db::fault::point("delete_user.after_commit");
    revoke::obey(resources, &ended, now);
    resources.revocations.revoke_subject_before(user_id.into(), now);
    Ok(())
}

async fn end_member(resources: &Resources, user_id: UserId, actor: SubjectId) -> Result<(), PeerError> {
    let mut tried = 0;
    loop {
        tried += 1;
        match resources.organization.end_member(user_id, actor).await {
            Err(PeerError::Unavailable(_)) if tried < TRIES => {
                tokio::time::sleep(Duration::from_millis(50) * tried).await;
            }
            answer => return answer,
        }
    }
}

/// Stores the answer of whoever ordered the deletion, which is empty.
async fn remember(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), rolecall_db::Error> {
    let Some((request_id, fingerprint)) = order.request else { return Ok(()) };
    let fingerprint = Fingerprint::from_bytes(fingerprint);
    idempotency::store(tx, order.actor, METHOD, request_id, &fingerprint, &[], now).await
}
