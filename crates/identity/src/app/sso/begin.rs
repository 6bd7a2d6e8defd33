//! Sends a person to its identity provider.

use std::time::Duration;

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{IdentityProviderId, OrganizationId, UserId};
use rolecall_kernel::network::Network;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::super::Resources;
use super::super::fault::{Fault, take_faults};
use super::super::login_failure;
use super::{open_secret, redirect_uri, registration, return_to, sso_for_domain};
use crate::domain::sso::{IdentityProvider, LOGIN_LIFETIME, LOGIN_PREFIX, LoginSecrets, PendingLogin};
use crate::oidc::OidcError;
use crate::store::{identity_providers, sso_logins};

/// Which provider.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// That of the organization which proved the domain of the address.
    Email(EmailAddress),
    /// That of an organization.
    Organization(OrganizationId),
    /// This one.
    Provider(IdentityProviderId),
}

/// Who wants to log in, and where.
#[derive(Debug)]
pub(crate) struct Command {
    /// The provider.
    pub(crate) target: Target,
    /// Where the browser goes at the end; none shows the handle to the person.
    pub(crate) return_url: Option<String>,
    /// For whom the access tokens shall be.
    pub(crate) audience: Option<String>,
    /// Whether the person has to prove anew who it is.
    pub(crate) fresh: bool,
    /// Where the call comes from, as far as that is known.
    pub(crate) network: Option<Network>,
    /// The account to link, and its organization; none logs in.
    pub(crate) link: Option<(UserId, OrganizationId)>,
}

/// Where the person goes, and by what its program goes on.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The address for the browser.
    pub(crate) authorization_url: String,
    /// The token for `CompleteSsoLogin`; it never travels through the browser.
    pub(crate) token: OpaqueToken,
    /// When both end.
    pub(crate) expires: Timestamp,
}

/// Why nobody is sent anywhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No provider serves there.
    #[error("no such identity provider")]
    IdentityProviderNotFound,
    /// The browser may not be sent there.
    #[error("the return address is not allowed")]
    ReturnRefused,
    /// Too many began in the network of the caller.
    #[error("too many single sign-ons began in this network")]
    NetworkThrottled(Duration),
    /// The provider lets nobody link.
    #[error("the provider does not take links")]
    LinkingRefused,
    /// The provider cannot be used.
    #[error("the provider cannot be used: {0}")]
    ProviderUnusable(String),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<OidcError> for Error {
    fn from(error: OidcError) -> Self {
        match error {
            OidcError::Unusable(text) => Self::ProviderUnusable(text),
            OidcError::Refused(text) => Self::ProviderUnusable(text.to_owned()),
        }
    }
}

/// Begins a login, or the linking of an account.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Begun, Error> {
    let allowed = &resources.config.sso_return_urls;
    if command.return_url.as_deref().is_some_and(|url| !return_to::may_return(allowed, url)) {
        return Err(Error::ReturnRefused);
    }
    // Each one may make us speak to a provider, and leaves a row.
    if let Some(wait) = login_failure::spend_on_sso(resources, command.network).await? {
        return Err(Error::NetworkThrottled(wait));
    }
    let provider = find(resources, &command.target).await?.filter(|provider| provider.settings.enabled);
    let provider = provider.ok_or(Error::IdentityProviderNotFound)?;
    if let Some((_, organization)) = command.link {
        if organization != provider.organization_id {
            return Err(Error::IdentityProviderNotFound);
        }
        if !provider.settings.linking {
            return Err(Error::LinkingRefused);
        }
    }
    let random = || OpaqueToken::new("", resources.entropy.as_ref()).expose().to_owned();
    let secrets = LoginSecrets {
        state: random(),
        nonce: random(),
        verifier: random(),
        return_url: command.return_url.clone(),
        fresh: command.fresh,
    };
    let id = provider.identity_provider_id;
    let (secret, redirect_uri) = (open_secret(resources, id).await.map_err(Error::Fault)?, redirect_uri(resources, id));
    let hint = match &command.target {
        Target::Email(email) => Some(email.as_str()),
        Target::Organization(_) | Target::Provider(_) => None,
    };
    let registration = registration(&provider.settings, &secret, &redirect_uri);
    let url = resources.oidc.authorization_url(registration, &secrets, hint).await?;
    let (token, expires) = store(resources, command, &provider, &secrets).await?;
    Ok(Begun { authorization_url: url.to_string(), token, expires })
}

async fn find(resources: &Resources, target: &Target) -> Result<Option<IdentityProvider>, Error> {
    let reader = resources.db.reader();
    Ok(match target {
        Target::Email(email) => sso_for_domain(resources, email).await?,
        Target::Organization(id) => identity_providers::find_serving(&reader, *id).await?,
        Target::Provider(id) => identity_providers::find(&reader, *id).await?,
    })
}

async fn store(
    resources: &Resources,
    command: &Command,
    provider: &IdentityProvider,
    secrets: &LoginSecrets,
) -> Result<(OpaqueToken, Timestamp), Error> {
    let (began, token) = (resources.now(), OpaqueToken::new(LOGIN_PREFIX, resources.entropy.as_ref()));
    let sealed = return_to::seal_login(resources, secrets).ok_or(Fault::Defect("a login cannot be sealed"));
    let login = &PendingLogin {
        identity_provider_id: provider.identity_provider_id,
        provider_version: provider.version,
        user_id: command.link.map(|(user_id, _)| user_id),
        sealed: sealed.map_err(Error::Fault)?,
        audience: command.audience.clone(),
        began,
        expires: began.plus(LOGIN_LIFETIME),
    };
    let (hash, state) = (&token.digest(), &return_to::digest(&secrets.state));
    resources.db.write(|tx| async move { sso_logins::insert(&tx, login, hash, state).await }).await?;
    Ok((token, login.expires))
}
