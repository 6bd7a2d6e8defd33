//! Ends sessions of a person because somebody who may wants it.

use std::collections::BTreeSet;

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_kernel::id::{SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, revoke};
use crate::domain::session::EndReason;
use crate::store::{sessions, users};

/// Which of the sessions that go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// Every one.
    All,
    /// All but this one.
    AllBut(SessionId),
    /// These; those of others do not count.
    These(BTreeSet<SessionId>),
}

impl Chosen {
    fn includes(&self, session: SessionId) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(kept) => session != *kept,
            Self::These(chosen) => chosen.contains(&session),
        }
    }
}

/// Who ends which sessions of whom.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The person.
    pub(crate) user_id: UserId,
    /// Which.
    pub(crate) chosen: Chosen,
    /// The name of the change.
    pub(crate) once: Option<Once<Ended>>,
}

/// What ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The sessions, none of which had ended before.
    pub(crate) sessions: Vec<SessionId>,
}

/// Why no session ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Ends sessions, and returns which.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Ended>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let now = resources.now();
    match resources.db.write(|tx| async move { end(resources, &tx, command, now).await }).await {
        Ok(ended) => {
            revoke::obey(resources, &ended.sessions, now);
            Ok(Answer::Fresh(ended))
        }
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

async fn end(resources: &Resources, tx: &Tx, command: &Command, now: Timestamp) -> Result<Ended, Error> {
    let user = users::find_in_scope(tx, command.user_id, &command.scope).await?.ok_or(Error::UserNotFound)?;
    let alive = sessions::lock_alive(tx, user.user_id, now).await?;
    let ended = Ended { sessions: alive.into_iter().filter(|id| command.chosen.includes(*id)).collect() };
    Once::store(command.once.as_ref(), tx, &ended, now).await?;
    let reason = EndReason::Revoked;
    sessions::end_these(tx, &ended.sessions, reason, now).await?;
    revoke::publish(resources, tx, &ended.sessions, &user, Some(command.actor), reason, now).await?;
    Ok(ended)
}
