//! Logs a person in.

use rolecall_db::{Error as StoreError, Tx};
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
            let proven = Proven { user, rehashed: rehash(resources, &command, stored.as_deref()).await, stored };
            match open(resources, &counter, &proven, began).await? {
                Opened::Changed => again(resources, &command, &counter, user, began).await,
                opened @ (Opened::Session(_) | Opened::Throttled) => opened.tokens(),
            }
        }
        Err(failure) => {
            counter.count(resources, failure).await?;
            Err(Error::CredentialsRefused)
        }
    }
}

/// Judges a password against the hash that took the place of the one it was verified by.
///
/// Most likely the password was changed; a parallel login may also just have hashed it anew.
async fn again(
    resources: &Resources,
    command: &Command,
    counter: &Counter<'_>,
    user: &User,
    began: Timestamp,
) -> Result<Tokens, Error> {
    let stored = credentials::find(&resources.db.reader(), user.user_id).await?;
    if resources.hashing.verify(command.password.clone(), stored.clone(), command.deadline).await? {
        let proven = Proven { user, stored, rehashed: None };
        return open(resources, counter, &proven, began).await?.tokens();
    }
    counter.count(resources, LoginFailure::WrongPassword).await?;
    Err(Error::CredentialsRefused)
}

/// Who proved to be whom, and by which stored hash.
struct Proven<'a> {
    user: &'a User,
    stored: Option<String>,
    /// The same password, hashed with the parameters of today.
    rehashed: Option<String>,
}

/// What became of a right password.
enum Opened {
    /// A session.
    Session(Tokens),
    /// It came before its time.
    Throttled,
    /// Nothing: another hash was stored since it was verified.
    Changed,
}

impl Opened {
    fn tokens(self) -> Result<Tokens, Error> {
        match self {
            Self::Session(tokens) => Ok(tokens),
            Self::Throttled | Self::Changed => Err(Error::CredentialsRefused),
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
async fn rehash(resources: &Resources, command: &Command, stored: Option<&str>) -> Option<String> {
    stored.filter(|stored| resources.hashing.is_outdated(stored))?;
    resources.hashing.hash(command.password.clone(), command.deadline).await.ok()
}

/// Opens the session; what is stored is all or nothing.
async fn open(
    resources: &Resources,
    counter: &Counter<'_>,
    proven: &Proven<'_>,
    began: Timestamp,
) -> Result<Opened, Error> {
    let user = proven.user;
    let entropy = resources.entropy.as_ref();
    let session_id = SessionId::new(began, entropy);
    let session = &Session::begin(session_id, user.user_id, began, &resources.config.lifetimes());
    let refresh_token = OpaqueToken::new(refresh::PREFIX, entropy);
    let hash = &refresh_token.digest();
    let evicted: Result<Option<Vec<SessionId>>, Error> = resources
        .db
        .write(|tx| async move {
            if !counter.pass(resources, &tx).await? {
                return Ok(None);
            }
            if !users::note_login(&tx, user.user_id, began).await? {
                return Err(StoreError::Conflict.into());
            }
            confirm(&tx, proven, began).await?;
            sessions::insert(&tx, session).await?;
            refresh_tokens::insert(&tx, hash, session_id, 0).await?;
            resources.publisher.append(&tx, &by_user(user, began, Event::LoginSucceeded(session_id))).await?;
            let beyond = Which::BeyondNewest(resources.config.max_sessions);
            let evicted = sessions::end_of_user(&tx, user.user_id, beyond, EndReason::Evicted, began).await?;
            revoke::publish(resources, &tx, &evicted, user, None, EndReason::Evicted, began).await?;
            Ok(Some(evicted))
        })
        .await;
    let evicted = match evicted {
        Ok(Some(evicted)) => evicted,
        Ok(None) => return Ok(Opened::Throttled),
        Err(Error::CredentialsRefused) => return Ok(Opened::Changed),
        Err(error) => return Err(error),
    };
    revoke::obey(resources, &evicted, began);
    Ok(Opened::Session(tokens::of_session(resources, session, refresh_token, began)))
}

/// Refuses a password that was changed since it was verified.
///
/// The row of the account is held: a change that comes later waits for it, and ends this session.
async fn confirm(tx: &Tx, proven: &Proven<'_>, now: Timestamp) -> Result<(), Error> {
    let user_id = proven.user.user_id;
    let current = credentials::find(tx, user_id).await?;
    let Some(current) = current.filter(|current| Some(current) == proven.stored.as_ref()) else {
        return Err(Error::CredentialsRefused);
    };
    if let Some(fresh) = &proven.rehashed {
        credentials::replace(tx, user_id, &current, fresh, now).await?;
    }
    Ok(())
}
