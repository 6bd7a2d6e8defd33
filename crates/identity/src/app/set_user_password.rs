//! Sets the password of somebody else; its sessions, codes and tokens end.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{SessionId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::equals::{self, take_refusals_of_equals};
use super::fault::{Fault, take_faults};
use super::once::{Answer, Once, take_repeats};
use super::password_rules::{self, PasswordRules};
use super::{Resources, access_tokens, device, revoke};
use crate::domain::event::Event;
use crate::domain::password::{Password, PasswordError};
use crate::domain::session::EndReason;
use crate::domain::user::{User, UserState, UserView};
use crate::events::publish::about;
use crate::store::sessions::{self, Which};
use crate::store::{challenges, codes, credentials, users};

/// Whose password, and which.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who sets it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The person.
    pub(crate) user_id: UserId,
    /// The password.
    pub(crate) password: Password,
    /// Whether the next login demands a new one.
    pub(crate) change_required: bool,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// The name of the change.
    pub(crate) once: Option<Once<UserView>>,
}

/// Why the password stays.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// The person sets its first password itself.
    #[error("the account is not active")]
    UserNotActive,
    /// The organization logs in at its identity provider alone.
    #[error("members of the organization have no passwords")]
    SsoRequired,
    /// Nobody does this to itself.
    #[error("nobody does this to itself")]
    SelfRefused,
    /// The person is an equal of the actor, or stands above it.
    #[error("equals cannot take each other over")]
    EqualProtected,
    /// The password is not good enough.
    #[error("the password {0}")]
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
take_refusals_of_equals!(Error);

/// Sets the password.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<UserView>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let user = users::find_in_scope(&reader, command.user_id, &command.scope).await?.ok_or(Error::UserNotFound)?;
    let membership = equals::check(resources, command.actor, user.user_id).await?;
    if user.state != UserState::Active {
        return Err(Error::UserNotActive);
    }
    let PasswordRules { policy, context, is_sso } = password_rules::find(resources, &user).await?;
    if is_sso {
        return Err(Error::SsoRequired);
    }
    let password = command.password.clone();
    let hash = resources.hashing.check_and_hash(policy, password, context, command.deadline).await?;
    let hash = &hash.map_err(Error::PasswordRefused)?;
    let now = resources.now();
    let user = User { version: user.version + 1, updated: now, ..user };
    let view = UserView { user, membership, password_change_required: command.change_required };
    let answer = &view;
    let stored = resources.db.write(|tx| async move { store(resources, &tx, command, answer, hash, now).await }).await;
    match stored {
        Ok(ended) => {
            revoke::obey(resources, &ended, now);
            Ok(Answer::Fresh(view))
        }
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            let stored = Once::find(command.once.as_ref(), &reader).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

/// Stores the password and returns which sessions it ended.
async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    view: &UserView,
    hash: &str,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    Once::store(command.once.as_ref(), tx, view, now).await?;
    let user = users::lock(tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    let row = RowFacts::of_subject(Some(user.organization_id), user.user_id.into());
    let permit = command.scope.permit(row).ok_or(Error::UserNotFound)?;
    if user.version + 1 != view.user.version || !users::touch(tx, &permit, now).await? {
        // Changed by somebody else meanwhile, so that the answer would not be true.
        return Err(StoreError::Conflict.into());
    }
    if !credentials::set(tx, user.user_id, hash, command.change_required, now).await? {
        credentials::insert(tx, user.user_id, hash, command.change_required, now).await?;
    }
    codes::end_all(tx, user.user_id).await?;
    challenges::end_all(tx, user.user_id).await?;
    // The failures were those of the password before.
    device::forget_all(resources, tx, &user).await?;
    let (actor, reason) = (Some(command.actor), EndReason::PasswordChanged);
    let mut ended = sessions::end_of_user(tx, user.user_id, Which::All, reason, now).await?;
    revoke::publish(resources, tx, &ended, &user, actor, reason, now).await?;
    ended.extend(access_tokens::end_all(resources, tx, &user, actor, now).await?);
    let (target, event) = (Some(user.user_id.into()), Event::PasswordSet);
    resources.publisher.append(tx, &about(actor, Some(user.organization_id), target, now, event)).await?;
    Ok(ended)
}
