//! Takes what a provider answered, and logs the person in.
//!
//! The login is used up first, in a transaction of its own: whatever goes wrong afterwards, neither state nor code nor
//! nonce serve again.

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::time::Timestamp;
use subtle::ConstantTimeEq as _;

use super::super::Resources;
use super::super::accept_invitation;
use super::super::create_user;
use super::super::fault::{Fault, take_faults};
use super::super::tokens::Tokens;
use super::return_to::{self, Callback};
use super::{admit, open_secret, redirect_uri, registration};
use crate::domain::event::{Event, LoginFailure};
use crate::domain::sso::{Asserted, IdentityProvider, PendingLogin};
use crate::events::publish::about;
use crate::oidc::OidcError;
use crate::store::{identity_providers, sso_logins};

/// What the program that began the login has now.
#[derive(Debug)]
pub(crate) struct Command {
    /// The token that it got then.
    pub(crate) token: OpaqueToken,
    /// What came through the browser.
    pub(crate) callback: Callback,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The login is unknown or used, or the provider does not vouch for the person as it has to.
    #[error("the login is refused: {0}")]
    SsoRefused(&'static str),
    /// The person has no account, and gets none by logging in.
    #[error("the person has no account")]
    SsoAccountMissing,
    /// The address belongs to an account that has to be linked by its person first.
    #[error("the account is not linked")]
    SsoAccountNotLinked,
    /// The provider knows another account by it.
    #[error("the identity belongs to another account")]
    IdentityTaken,
    /// The provider cannot be used.
    #[error("the provider cannot be used: {0}")]
    ProviderUnusable(String),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<create_user::Error> for Error {
    fn from(error: create_user::Error) -> Self {
        match error {
            create_user::Error::Fault(fault) => Self::Fault(fault),
            // Somebody else made an account with the address at the same moment.
            create_user::Error::EmailTaken => Self::SsoAccountNotLinked,
            // Whoever configured the provider may no longer add people.
            create_user::Error::OrganizationNotFound
            | create_user::Error::OrganizationSuspended
            | create_user::Error::RoleNotGrantable
            | create_user::Error::RoleUnknown
            | create_user::Error::PermissionMissing(_)
            | create_user::Error::SsoRequired
            | create_user::Error::SsoNotAvailable
            | create_user::Error::PasswordRefused(_)
            | create_user::Error::SecretAlreadyReturned
            | create_user::Error::RequestIdReused => {
                Self::SsoRefused("whoever configured the provider may not add this person")
            }
        }
    }
}

impl From<accept_invitation::Error> for Error {
    fn from(error: accept_invitation::Error) -> Self {
        match error {
            accept_invitation::Error::Fault(fault) => Self::Fault(fault),
            accept_invitation::Error::InvitationNotFound
            | accept_invitation::Error::InvitationVoid
            | accept_invitation::Error::OrganizationSuspended
            | accept_invitation::Error::SsoRequired
            | accept_invitation::Error::PasswordRefused(_) => {
                Self::SsoRefused("the invitation of the person is not good any more")
            }
        }
    }
}

/// Completes a login.
pub(crate) async fn run(resources: &Resources, command: Command) -> Result<Tokens, Error> {
    let began = resources.now();
    let (hash, Command { callback, .. }) = (command.token.digest(), command);
    let hash = &hash;
    let taken = resources.db.write(|tx| async move { sso_logins::take(&tx, hash, began).await }).await?;
    let login = taken.ok_or(Error::SsoRefused("no such login"))?;
    let provider = identity_providers::find(&resources.db.reader(), login.identity_provider_id).await?;
    let provider = provider.ok_or(Error::SsoRefused("no such provider"))?;
    match go_on(resources, &login, &provider, callback, began).await {
        Err(Error::SsoRefused(why)) => {
            tracing::info!(why, provider = %provider.identity_provider_id, "a single sign-on was refused");
            note(resources, &provider, began).await?;
            Err(Error::SsoRefused(why))
        }
        done => done,
    }
}

async fn go_on(
    resources: &Resources,
    login: &PendingLogin,
    provider: &IdentityProvider,
    callback: Callback,
    began: Timestamp,
) -> Result<Tokens, Error> {
    if !provider.settings.enabled || provider.version != login.provider_version {
        return Err(Error::SsoRefused("the provider was changed meanwhile"));
    }
    let asserted = ask(resources, login, provider, callback, began).await?;
    if !provider.settings.accepts(&asserted.proof) {
        return Err(Error::SsoRefused("the proof is weaker than the organization wants"));
    }
    admit::run(resources, login, provider, &asserted, began).await
}

/// Asks the provider whom it vouches for.
async fn ask(
    resources: &Resources,
    login: &PendingLogin,
    provider: &IdentityProvider,
    callback: Callback,
    began: Timestamp,
) -> Result<Asserted, Error> {
    let state_hash = return_to::digest(&callback.state);
    // Sealed under the state: with another one it does not open.
    let secrets = return_to::open_login(resources, &state_hash, &login.sealed);
    let secrets = secrets.ok_or(Error::SsoRefused("the state is another"))?;
    if !bool::from(secrets.state.as_bytes().ct_eq(callback.state.as_bytes())) {
        return Err(Error::SsoRefused("the state is another"));
    }
    let returned = callback.returned().ok_or(Error::SsoRefused("the provider refused the person"))?;
    let id = provider.identity_provider_id;
    let (secret, redirect_uri) = (open_secret(resources, id).await.map_err(Error::Fault)?, redirect_uri(resources, id));
    let registration = registration(&provider.settings, &secret, &redirect_uri);
    resources.oidc.redeem(registration, &secrets, returned, began).await.map_err(|error| match error {
        OidcError::Unusable(text) => Error::ProviderUnusable(text),
        OidcError::Refused(why) => Error::SsoRefused(why),
    })
}

/// Tells the audit log.
async fn note(resources: &Resources, provider: &IdentityProvider, now: Timestamp) -> Result<(), Error> {
    let event = Event::LoginFailed(LoginFailure::SsoRefused);
    let happened = &about(None, Some(provider.organization_id), None, now, event);
    resources.db.write(|tx| async move { resources.publisher.append(&tx, happened).await }).await?;
    Ok(())
}
