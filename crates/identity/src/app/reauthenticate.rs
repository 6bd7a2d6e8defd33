//! Step-up (RFC 9470): proves once more who calls, in the same session.

use rolecall_db::Tx;
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::fault::{Fault, take_faults};
use super::login_failure::Counter;
use super::{Resources, second_factor, tokens};
use crate::domain::event::{Event, LoginFailure};
use crate::domain::factor::FactorCode;
use crate::domain::password::Password;
use crate::domain::session::{AuthMethods, Session};
use crate::domain::user::{User, UserState};
use crate::events::publish::by_user;
use crate::store::{challenges, credentials, sessions, users};

/// Who proves what.
#[derive(Debug)]
pub(crate) struct Command {
    /// The person.
    pub(crate) user_id: UserId,
    /// The session that goes on.
    pub(crate) session_id: SessionId,
    /// The password.
    pub(crate) password: Password,
    /// A code of the second factor.
    pub(crate) code: Option<FactorCode>,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
}

/// Why it is not proved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The password is another, or too many tries failed.
    #[error("the password is not right")]
    CredentialsRefused,
    /// The code is wrong, used, or came too early.
    #[error("the code is not right")]
    FactorCodeRefused,
    /// The person has a second factor, and no code of it was given.
    #[error("a code of the second factor is missing")]
    FactorMissing,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What became of a right password.
enum Proved {
    /// All was right.
    Session(Session),
    /// The password came before its time, or was changed meanwhile.
    Refused,
    /// The code was wrong, which was counted.
    WrongCode,
}

/// Proves who calls and returns an access token with a fresh time of authentication, and when it ends.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<(String, Timestamp), Error> {
    // Taken before access is checked: a block that comes later ends the session all the same.
    let began = resources.now();
    let reader = resources.db.reader();
    let user = users::find(&reader, command.user_id).await?.ok_or(Error::CredentialsRefused)?;
    if command.code.is_none() && challenges::standing(&reader, user.user_id).await?.has_factor {
        return Err(Error::FactorMissing);
    }
    let stored = credentials::find(&reader, user.user_id).await?;
    let verified = resources.hashing.verify(command.password.clone(), stored.clone(), command.deadline);
    let (access, settings) =
        (resources.organization.access(user.user_id.into()), resources.organization.settings(user.organization_id));
    let (verified, access, settings) = tokio::join!(verified, access, settings);
    let (verified, access) = (verified?, access?);
    let is_sso = settings?.is_some_and(|settings| !settings.passwords.allow(user.user_id));
    let (true, true, false, Some(stored)) = (verified, access.active, is_sso, stored) else {
        let failure = match (verified, access.active) {
            (false, _) => LoginFailure::WrongPassword,
            (true, false) => LoginFailure::Inactive,
            (true, true) => LoginFailure::SsoRequired,
        };
        Counter::of_session(resources, &user, command.session_id).count(resources, failure).await?;
        return Err(Error::CredentialsRefused);
    };
    let stored = &stored;
    let proved = resources.db.write(|tx| async move { prove(resources, &tx, command, stored, began).await }).await?;
    match proved {
        Proved::Session(session) => Ok(tokens::access_of_session(resources, &session, began)),
        Proved::Refused => Err(Error::CredentialsRefused),
        Proved::WrongCode => Err(Error::FactorCodeRefused),
    }
}

/// Judges all that was shown against what is stored now.
async fn prove(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    stored: &String,
    began: Timestamp,
) -> Result<Proved, Error> {
    let user = users::lock(tx, command.user_id).await?.filter(|user| user.state == UserState::Active);
    let Some(user) = user else { return Ok(Proved::Refused) };
    let counter = Counter::of_session(resources, &user, command.session_id);
    let standing = challenges::standing(tx, user.user_id).await?;
    let session = sessions::lock(tx, command.session_id).await?.filter(|session| session.is_alive(began));
    if !counter.may_try(resources, tx).await? || standing.password_hash.as_ref() != Some(stored) {
        return Ok(Proved::Refused);
    }
    let Some(session) = session.filter(|session| session.user_id == user.user_id) else { return Ok(Proved::Refused) };
    let methods = match &command.code {
        None if standing.has_factor => return Err(Error::FactorMissing),
        None => AuthMethods::PASSWORD,
        Some(code) if second_factor::check(resources, tx, &user, code).await? => {
            AuthMethods::PASSWORD.and(AuthMethods::ONE_TIME_CODE)
        }
        Some(_) => return Ok(Proved::WrongCode),
    };
    counter.forget(tx).await?;
    let session = store(resources, tx, &user, session, methods, began).await?;
    Ok(Proved::Session(session))
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    session: Session,
    methods: AuthMethods,
    began: Timestamp,
) -> Result<Session, Error> {
    let session = session.reauthenticated(methods, began);
    sessions::note_authentication(tx, &session).await?;
    let event = Event::Reauthenticated(session.session_id);
    resources.publisher.append(tx, &by_user(user, began, event)).await?;
    Ok(session)
}
