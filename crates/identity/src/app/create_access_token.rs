//! Makes a personal access token.

use std::fmt;

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{AccessTokenId, SessionId, UserId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::{Fault, take_faults};
use super::once::{Once, take_repeats};
use crate::domain::access_token::{AccessToken, LifeError, MAX_TOKENS, NarrowingError, PREFIX, expiry, narrow};
use crate::domain::event::Event;
use crate::domain::session::AuthMethods;
use crate::events::publish::by_user;
use crate::store::{access_tokens, sessions, users};

/// Whose token, and for what.
#[derive(Debug)]
pub(crate) struct Command {
    /// The person.
    pub(crate) user_id: UserId,
    /// The session that asks.
    pub(crate) session_id: SessionId,
    /// What the person calls it.
    pub(crate) name: PersonName,
    /// The permissions that it is narrowed to; none means all that only read.
    pub(crate) permissions: Vec<String>,
    /// When it ends.
    pub(crate) expires: Option<Timestamp>,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// A new token with its secret, which is shown once.
#[derive(Clone)]
pub(crate) struct Made {
    /// The token.
    pub(crate) token: AccessToken,
    /// Its secret.
    pub(crate) secret: OpaqueToken,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made({:?}, redacted)", self.token.access_token_id)
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The person does not hold one of the permissions, or no token may carry it.
    #[error("a permission is not the person's to lend")]
    PermissionNotGrantable(Vec<String>),
    /// The permissions do not fit into one token.
    #[error("too many permissions")]
    TooManyPermissions,
    /// It would end too early or too late.
    #[error("the end of the token {0}")]
    LifeRefused(LifeError),
    /// The person has as many tokens as anybody may.
    #[error("no more tokens can be made")]
    AccessTokenLimitReached,
    /// The session was opened by a password, and the organization has none any longer.
    #[error("members of the organization have no passwords")]
    SsoRequired,
    /// The token was made before, and its secret is not kept.
    #[error("the secret was returned before")]
    SecretAlreadyReturned,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

impl From<NarrowingError> for Error {
    fn from(error: NarrowingError) -> Self {
        match error {
            NarrowingError::NotGrantable(names) => Self::PermissionNotGrantable(names),
            NarrowingError::TooMany => Self::TooManyPermissions,
        }
    }
}

/// Makes a token.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Made, Error> {
    let reader = resources.db.reader();
    if Once::find(command.once.as_ref(), &reader).await?.is_some() {
        return Err(Error::SecretAlreadyReturned);
    }
    if !may_lend(resources, command).await? {
        return Err(Error::SsoRequired);
    }
    let held = resources.organization.find_subject(command.user_id.into()).await?;
    let held = held.filter(|subject| subject.active).map(|subject| subject.permissions).unwrap_or_default();
    let (now, entropy) = (resources.now(), resources.entropy.as_ref());
    let token = AccessToken {
        access_token_id: AccessTokenId::new(now, entropy),
        user_id: command.user_id,
        name: command.name.clone(),
        permissions: narrow(&command.permissions, &held)?,
        expires: expiry(command.expires, now).map_err(Error::LifeRefused)?,
        created: now,
        last_used: None,
    };
    let secret = OpaqueToken::new(PREFIX, entropy);
    match store(resources, command, &token, &secret.digest()).await {
        Ok(()) => Ok(Made { token, secret }),
        Err(Error::Fault(fault)) if fault.is_repeat() => match Once::find(command.once.as_ref(), &reader).await? {
            Some(_) => Err(Error::SecretAlreadyReturned),
            None => Err(Error::Fault(fault)),
        },
        Err(error) => Err(error),
    }
}

/// Whether the session is of a kind that the organization still opens: a token would outlive one that is about to end.
async fn may_lend(resources: &Resources, command: &Command) -> Result<bool, Error> {
    let reader = resources.db.reader();
    let session = sessions::find(&reader, command.session_id).await?;
    if session.is_none_or(|session| session.methods.includes(AuthMethods::FEDERATED)) {
        return Ok(true);
    }
    let user = users::find(&reader, command.user_id).await?.ok_or(Error::Fault(Fault::Defect("no such account")))?;
    let settings = resources.organization.settings(user.organization_id).await?;
    Ok(settings.is_none_or(|settings| settings.passwords.allow(user.user_id)))
}

async fn store(resources: &Resources, command: &Command, token: &AccessToken, hash: &[u8; 32]) -> Result<(), Error> {
    let now = token.created;
    resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), now).await?;
            // The row of the account is held: tokens are counted one after the other, and a change of the password
            // either ends this token or has ended the session that asks for it.
            let user = users::lock(&tx, command.user_id).await?;
            let user = user.ok_or(Error::Fault(Fault::Defect("no such account")))?;
            if !sessions::find(&tx, command.session_id).await?.is_some_and(|session| session.is_alive(now)) {
                // Repeated, the call is refused for what it is.
                return Err(rolecall_db::Error::Conflict.into());
            }
            if access_tokens::count(&tx, command.user_id, now).await? >= MAX_TOKENS {
                return Err(Error::AccessTokenLimitReached);
            }
            access_tokens::insert(&tx, token, hash).await?;
            let event = Event::AccessTokenCreated {
                access_token_id: token.access_token_id,
                permissions: token.permissions.clone(),
            };
            resources.publisher.append(&tx, &by_user(&user, now, event)).await?;
            Ok(())
        })
        .await
}
