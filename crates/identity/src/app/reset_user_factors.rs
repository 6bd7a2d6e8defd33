//! Removes all second factors of a person who lost them.

use rolecall_authz::Scope;
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{SessionId, SubjectId, UserId};

use super::equals::{self, take_refusals_of_equals};
use super::fault::{Fault, take_faults};
use super::login_failure::Counter;
use super::once::{Answer, Once, take_repeats};
use super::{Resources, revoke};
use crate::domain::event::Event;
use crate::domain::factor::{RECOVERY_FAILURES, TOTP_FAILURES};
use crate::domain::session::EndReason;
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::sessions::{self, Which};
use crate::store::{challenges, factors, recovery_codes, users};

/// Whose factors, and who asks.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who asks.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The person.
    pub(crate) user_id: UserId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the factors stay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// Nobody does this to itself.
    #[error("nobody does this to itself")]
    SelfRefused,
    /// The person is an equal of the actor, or stands above it.
    #[error("equals cannot take each other over")]
    EqualProtected,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);
take_refusals_of_equals!(Error);

/// Removes the factors; every session and every login that is under way ends.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let found = users::find_in_scope(&reader, command.user_id, &command.scope).await?;
    let user = found.ok_or(Error::UserNotFound)?;
    equals::check(resources, command.actor, user.user_id).await?;
    match resources.db.write(|tx| async move { reset(resources, &tx, command).await }).await {
        Ok(ended) => {
            revoke::obey(resources, &ended, resources.now());
            Ok(Answer::Fresh(()))
        }
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

async fn reset(resources: &Resources, tx: &Tx, command: &Command) -> Result<Vec<SessionId>, Error> {
    let now = resources.now();
    Once::store(command.once.as_ref(), tx, &(), now).await?;
    let locked = users::lock_in_scope(tx, command.user_id, &command.scope).await?;
    let user = &locked.ok_or(Error::UserNotFound)?;
    delete_all(resources, tx, user).await?;
    let (actor, reason) = (Some(command.actor), EndReason::FactorsChanged);
    let ended = sessions::end_of_user(tx, user.user_id, Which::All, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, actor, reason, now).await?;
    let (organization, target) = (Some(user.organization_id), Some(user.user_id.into()));
    resources.publisher.append(tx, &about(actor, organization, target, now, Event::FactorsReset)).await?;
    Ok(ended)
}

/// Deletes everything that a second factor of a person consists of; its row is held.
pub(crate) async fn delete_all(resources: &Resources, tx: &Tx, user: &User) -> Result<(), StoreError> {
    factors::delete_all(tx, user.user_id).await?;
    recovery_codes::delete_all(tx, user.user_id).await?;
    challenges::end_all(tx, user.user_id).await?;
    for kind in [TOTP_FAILURES, RECOVERY_FAILURES] {
        Counter::of_codes(resources, user, kind).forget(tx).await?;
    }
    Ok(())
}
