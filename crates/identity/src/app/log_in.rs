//! Logs a person in.

use rolecall_db::Error as StoreError;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SessionId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::fault::{Fault, take_faults};
use super::login_failure::Counter;
use super::tokens::{self, Tokens};
use super::{Resources, revoke};
use crate::domain::event::{Event, LoginFailure};
use crate::domain::password::Password;
use crate::domain::refresh;
use crate::domain::session::{EndReason, Session};
use crate::domain::user::{User, UserState};
use crate::events::publish::by_user;
use crate::peers::Access;
use crate::store::sessions::Which;
use crate::store::{credentials, refresh_tokens, sessions, users};

/// Who wants in.
#[derive(Debug)]
pub(crate) struct Command {
    /// The address.
    pub(crate) email: EmailAddress,
    /// The password.
    pub(crate) password: Password,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Unknown, wrong, blocked, invited or too early: the caller does not learn which.
    #[error("address and password do not open an account")]
    CredentialsRefused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Logs a person in.
///
/// Whatever is wrong, the same work is done: one hash, one question to organization, one write.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<Tokens, Error> {
    // Taken before access is checked: a block that comes later ends a session that began here.
    let began = resources.now();
    let found = users::find_by_email(&resources.db.reader(), &command.email).await?;
    let subject = match &found {
        Some((user, _)) => SubjectId::from(user.user_id),
        None => SubjectId::new(began, resources.entropy.as_ref()),
    };
    let stored = found.as_ref().and_then(|(_, hash)| hash.clone());
    let verified = resources.hashing.verify(command.password.clone(), stored.clone(), command.deadline);
    let (verified, access) = tokio::join!(verified, resources.organization.access(subject));
    let (verified, access) = (verified?, access?);
    let user = found.map(|(user, _)| user);
    let counter = Counter::new(resources, &command.email, user.as_ref());
    match judge(user.as_ref(), verified, access) {
        Ok(user) => {
            let rehashed = rehash(resources, command, stored.as_deref()).await;
            open(resources, &counter, user, began, rehashed).await
        }
        Err(failure) => {
            counter.count(resources, failure).await?;
            Err(Error::CredentialsRefused)
        }
    }
}

fn judge(user: Option<&User>, verified: bool, access: Access) -> Result<&User, LoginFailure> {
    match user {
        None => Err(LoginFailure::UnknownAddress),
        Some(_) if !verified => Err(LoginFailure::WrongPassword),
        Some(user) if user.state != UserState::Active || !access.active => Err(LoginFailure::Inactive),
        Some(user) => Ok(user),
    }
}

/// Hashes a right password anew when the parameters changed; a login does not fail over it.
async fn rehash(resources: &Resources, command: Command, stored: Option<&str>) -> Option<(String, String)> {
    let stored = stored.filter(|stored| resources.hashing.is_outdated(stored))?;
    let fresh = resources.hashing.hash(command.password, command.deadline).await.ok()?;
    Some((stored.to_owned(), fresh))
}

/// Opens the session; what is stored is all or nothing.
async fn open(
    resources: &Resources,
    counter: &Counter<'_>,
    user: &User,
    began: Timestamp,
    rehashed: Option<(String, String)>,
) -> Result<Tokens, Error> {
    let entropy = resources.entropy.as_ref();
    let session_id = SessionId::new(began, entropy);
    let session = &Session::begin(session_id, user.user_id, began, &resources.config.lifetimes());
    let refresh_token = OpaqueToken::new(refresh::PREFIX, entropy);
    let (hash, rehashed) = (&refresh_token.digest(), rehashed.as_ref());
    let evicted: Option<Vec<SessionId>> = resources
        .db
        .write(|tx| async move {
            if !counter.pass(resources, &tx).await? {
                return Ok(None);
            }
            if !users::note_login(&tx, user.user_id, began).await? {
                return Err(StoreError::Conflict);
            }
            if let Some((old, new)) = rehashed {
                // Lost to a change of the password meanwhile, which hashed anew anyway.
                credentials::replace(&tx, user.user_id, old, new, began).await?;
            }
            sessions::insert(&tx, session).await?;
            refresh_tokens::insert(&tx, hash, session_id, 0).await?;
            resources.publisher.append(&tx, &by_user(user, began, Event::LoginSucceeded(session_id))).await?;
            let beyond = Which::BeyondNewest(resources.config.max_sessions);
            let evicted = sessions::end_of_user(&tx, user.user_id, beyond, EndReason::Evicted, began).await?;
            revoke::publish(resources, &tx, &evicted, user, None, EndReason::Evicted, began).await?;
            Ok(Some(evicted))
        })
        .await?;
    let evicted = evicted.ok_or(Error::CredentialsRefused)?;
    revoke::obey(resources, &evicted, began);
    Ok(tokens::of_session(resources, session, refresh_token, began))
}
