//! Removes a second factor from the own account.

use rolecall_db::Tx;
use rolecall_kernel::id::{FactorId, SessionId, UserId};

use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, enrollment, revoke};
use crate::domain::event::Event;
use crate::domain::factor::MfaPolicy;
use crate::events::publish::by_user;
use crate::store::{factors, recovery_codes, users};

/// Which factor.
#[derive(Debug)]
pub(crate) struct Command {
    /// The person.
    pub(crate) user_id: UserId,
    /// The session that asks, and stays.
    pub(crate) session_id: SessionId,
    /// The factor.
    pub(crate) factor_id: FactorId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Why the factor stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The person has no such factor.
    #[error("no such factor")]
    FactorNotFound,
    /// It is the last one, and the organization demands one.
    #[error("the organization demands a factor")]
    FactorRequired,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Removes the factor; all other sessions end.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let user = users::find(&reader, command.user_id).await?.ok_or(Error::Fault(Fault::Defect("no such account")))?;
    let organization = resources.organization.settings(user.organization_id).await?;
    let mfa = organization.map_or(MfaPolicy::Required, |found| found.mfa_of(user.user_id));
    let removed = resources.db.write(|tx| async move { remove(resources, &tx, command, mfa).await }).await;
    match removed {
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

/// Removes the factor and returns which sessions it ended.
async fn remove(resources: &Resources, tx: &Tx, command: &Command, mfa: MfaPolicy) -> Result<Vec<SessionId>, Error> {
    let now = resources.now();
    Once::store(command.once.as_ref(), tx, &(), now).await?;
    // Held, so that of two that remove the last two factors one finds that it is the last.
    let user = users::lock(tx, command.user_id).await?.ok_or(Error::Fault(Fault::Defect("no such account")))?;
    if !factors::delete(tx, user.user_id, command.factor_id).await? {
        return Err(Error::FactorNotFound);
    }
    if factors::count(tx, user.user_id).await? == 0 {
        if mfa == MfaPolicy::Required {
            return Err(Error::FactorRequired);
        }
        recovery_codes::delete_all(tx, user.user_id).await?;
    }
    let ended = enrollment::end_others(resources, tx, &user, Some(command.session_id), now).await?;
    resources.publisher.append(tx, &by_user(&user, now, Event::FactorRemoved(command.factor_id))).await?;
    Ok(ended)
}
