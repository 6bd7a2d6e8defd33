//! Changes the own password; every other session ends.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::fault::{Fault, take_faults};
use super::login_failure::Counter;
use super::once::{Answer, Once, take_repeats};
use super::password_rules::{self, PasswordRules};
use super::{Resources, access_tokens, revoke};
use crate::domain::event::{Event, LoginFailure};
use crate::domain::password::{Password, PasswordError};
use crate::domain::session::EndReason;
use crate::domain::user::{User, UserView};
use crate::events::publish::by_user;
use crate::store::sessions::{self, Which};
use crate::store::{codes, credentials, users};

/// Whose password, and which.
#[derive(Debug)]
pub(crate) struct Command {
    /// The person.
    pub(crate) user_id: UserId,
    /// The session that asks, and stays.
    pub(crate) session_id: SessionId,
    /// The password as it is.
    pub(crate) current: Password,
    /// The password as it shall be.
    pub(crate) new: Password,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// The name of the change.
    pub(crate) once: Option<Once<UserView>>,
}

/// Why the password stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The current password is another, or too many tries failed.
    #[error("the current password is not right")]
    CredentialsRefused,
    /// The organization logs in at its identity provider alone.
    #[error("members of the organization have no passwords")]
    SsoRequired,
    /// The new password is not good enough.
    #[error("the new password {0}")]
    PasswordRefused(PasswordError),
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// What is stored in place of what.
struct Change<'a> {
    old: &'a str,
    new: &'a str,
    view: &'a UserView,
}

/// Changes the password.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<UserView>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let user = users::find(&reader, command.user_id).await?.ok_or(Error::Fault(Fault::Defect("no such account")))?;
    let membership = resources.organization.member(user.user_id).await?;
    let PasswordRules { policy, context, is_sso } = password_rules::find(resources, &user).await?;
    if is_sso {
        return Err(Error::SsoRequired);
    }
    let stored = credentials::find(&reader, user.user_id).await?;
    let verified = resources.hashing.verify(command.current.clone(), stored.clone(), command.deadline).await?;
    let (true, Some(old)) = (verified, stored) else {
        let counter = Counter::of_session(resources, &user, command.session_id);
        counter.count(resources, LoginFailure::WrongPassword).await?;
        return Err(Error::CredentialsRefused);
    };
    if command.new.is_same(&command.current) {
        return Err(Error::PasswordRefused(PasswordError::Unchanged));
    }
    let new = resources.hashing.check_and_hash(policy, command.new.clone(), context, command.deadline).await?;
    let new = new.map_err(Error::PasswordRefused)?;
    let now = resources.now();
    let user = User { version: user.version + 1, updated: now, ..user };
    let view = UserView { user, membership, password_change_required: false };
    let change = &Change { old: &old, new: &new, view: &view };
    let changed = resources.db.write(|tx| async move { store(resources, &tx, command, change, now).await }).await;
    match changed {
        Ok(Some(ended)) => {
            revoke::obey(resources, &ended, now);
            Ok(Answer::Fresh(view))
        }
        Ok(None) => Err(Error::CredentialsRefused),
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

/// Stores the change and returns which sessions it ended; `None` when the try came before its time.
async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    change: &Change<'_>,
    now: Timestamp,
) -> Result<Option<Vec<SessionId>>, Error> {
    let user = &change.view.user;
    // The account first, as everybody does, so that nobody waits in a circle.
    users::lock(tx, user.user_id).await?;
    if !Counter::of_session(resources, user, command.session_id).pass(resources, tx).await? {
        return Ok(None);
    }
    // Strangers' failures were those of the password before.
    Counter::of(resources, user).forget(tx).await?;
    Once::store(command.once.as_ref(), tx, change.view, now).await?;
    if !credentials::replace(tx, user.user_id, change.old, change.new, now).await? {
        // Changed by somebody else meanwhile: what was verified is no longer the password.
        return Err(StoreError::Conflict.into());
    }
    let own = RowFacts::of_subject(Some(user.organization_id), user.user_id.into());
    let permit = Scope::SelfOnly(SubjectId::from(user.user_id)).permit(own);
    if let Some(permit) = permit {
        users::touch(tx, &permit, now).await?;
    }
    let (others, reason) = (Which::AllBut(command.session_id), EndReason::PasswordChanged);
    let mut ended = sessions::end_of_user(tx, user.user_id, others, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, Some(user.user_id.into()), reason, now).await?;
    ended.extend(access_tokens::end_all(resources, tx, user, Some(user.user_id.into()), now).await?);
    codes::end_all(tx, user.user_id).await?;
    resources.publisher.append(tx, &by_user(user, now, Event::PasswordChanged)).await?;
    Ok(Some(ended))
}
