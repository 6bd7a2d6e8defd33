//! Identity providers over the wire (OpenID Connect Core 1.0): what they say of themselves, and of people.
//!
//! Every request leaves through `rolecall_outbound`, so that nobody reaches a private address by configuring one as a
//! provider. What a provider says is believed only after the checks of this module: the exact issuer, a signature by
//! one of its published keys with an asymmetric algorithm, audience, nonce, times.

mod types;
mod verify;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use openidconnect::core::{CoreAuthPrompt, CoreClientAuthMethod, CoreResponseType};
use openidconnect::{
    AuthType, AuthenticationContextClass, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, HttpRequest, HttpResponse, IssuerUrl, LoginHint, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse as _,
};
use rolecall_kernel::time::Timestamp;
use rolecall_outbound::Outbound;
use tokio::time::Instant;
use url::Url;

use crate::domain::sso::{Asserted, LoginSecrets, ProviderSettings};
use types::{Client, Metadata};

/// How long what a provider says of itself is used without asking again.
const FRESH: Duration = Duration::from_mins(10);
/// How long it is used while the provider cannot be asked.
const USABLE: Duration = Duration::from_hours(24);
/// How often a signature by an unknown key makes us ask again.
const REFETCH: Duration = Duration::from_secs(30);
/// The most providers that are remembered.
const MOST: usize = 1_000;

/// Why a provider cannot be used, or is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// It cannot be reached, or what it says of itself is not usable; the text tells administrators.
    #[error("{0}")]
    Unusable(String),
    /// It does not vouch for the person; the text tells the log.
    #[error("{0}")]
    Refused(&'static str),
}

/// A provider, as its organization configured it.
#[derive(Clone, Copy)]
pub(crate) struct Registration<'a> {
    /// How it is used.
    pub(crate) settings: &'a ProviderSettings,
    /// By what we prove who we are; empty for a client without a secret.
    pub(crate) client_secret: &'a str,
    /// Where it sends browsers back to.
    pub(crate) redirect_uri: &'a str,
}

/// What a provider sent through the browser.
#[derive(Clone)]
pub(crate) struct Returned {
    /// The authorization code.
    pub(crate) code: String,
    /// Who answers (RFC 9207).
    pub(crate) iss: Option<String>,
}

/// What a provider says of itself.
#[derive(Debug)]
pub(crate) struct Described {
    /// Where people log in.
    pub(crate) authorization_endpoint: String,
    /// How many keys it publishes.
    pub(crate) keys: usize,
    /// Whether it names itself in its answers.
    pub(crate) names_itself: bool,
}

/// A request on its way.
type Sent = BoxFuture<'static, Result<HttpResponse, rolecall_outbound::Error>>;

/// What is remembered of a provider.
#[derive(Clone)]
struct Known {
    metadata: Arc<Metadata>,
    fetched: Instant,
}

/// Speaks with identity providers.
pub(crate) struct Oidc {
    outbound: Outbound,
    known: Mutex<HashMap<String, Known>>,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").finish_non_exhaustive()
    }
}

impl Oidc {
    /// Speaks through this way out.
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self { outbound, known: Mutex::new(HashMap::new()) }
    }

    /// Returns the way out, for look-ups of names.
    pub(crate) const fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Fetches what a provider says of itself, whatever is remembered.
    pub(crate) async fn describe(&self, issuer: &str) -> Result<Described, OidcError> {
        let known = self.fetch(issuer).await?;
        Ok(Described {
            authorization_endpoint: known.metadata.authorization_endpoint().to_string(),
            keys: known.metadata.jwks().keys().len(),
            names_itself: known.metadata.additional_metadata().names_itself,
        })
    }

    /// Returns where the browser of a person goes to log in.
    pub(crate) async fn authorization_url(
        &self,
        registration: Registration<'_>,
        secrets: &LoginSecrets,
        login_hint: Option<&str>,
    ) -> Result<Url, OidcError> {
        let known = self.find(&registration.settings.issuer).await?;
        let client = client(registration, &known.metadata)?;
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (state, nonce) = (secrets.state.clone(), secrets.nonce.clone());
        let mut request = client.authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce));
        let verifier = PkceCodeVerifier::new(secrets.verifier.clone());
        request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        request = request.add_scopes(registration.settings.scopes.iter().cloned().map(Scope::new));
        for acr in &registration.settings.required_acr {
            request = request.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
        if secrets.fresh {
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        if let Some(hint) = login_hint {
            request = request.set_login_hint(LoginHint::new(hint.to_owned()));
        }
        Ok(request.url().0)
    }

    /// Exchanges the code and returns whom the provider vouches for.
    pub(crate) async fn redeem(
        &self,
        registration: Registration<'_>,
        secrets: &LoginSecrets,
        returned: Returned,
        now: Timestamp,
    ) -> Result<Asserted, OidcError> {
        let known = self.find(&registration.settings.issuer).await?;
        // Whoever mixes two providers up makes one of them answer in the name of the other (RFC 9207).
        match &returned.iss {
            Some(iss) if *iss != registration.settings.issuer => {
                return Err(OidcError::Refused("another issuer answered"));
            }
            None if known.metadata.additional_metadata().names_itself => {
                return Err(OidcError::Refused("the issuer did not name itself"));
            }
            Some(_) | None => {}
        }
        let client = client(registration, &known.metadata)?;
        let code = AuthorizationCode::new(returned.code);
        let exchange = client.exchange_code(code).map_err(|_| unusable("names no token endpoint"))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier.clone()));
        let http = self.http();
        let tokens = exchange.request_async(&http).await.map_err(|error| match error {
            RequestTokenError::Request(error) => OidcError::Unusable(error.to_string()),
            RequestTokenError::ServerResponse(_) => OidcError::Refused("the provider does not take the code"),
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                OidcError::Refused("the answer of the token endpoint cannot be read")
            }
        })?;
        let id_token = tokens.id_token().ok_or(OidcError::Refused("there is no ID token"))?;
        let claim = &registration.settings.role_claim;
        let check = verify::Check { secrets, client_id: &registration.settings.client_id, role_claim: claim, now };
        let asserted = match verify::id_token(&client, &known.metadata, id_token, &check) {
            Err(verify::Failure::UnknownKey) if known.fetched.elapsed() >= REFETCH => {
                // The provider may have changed its keys since.
                let metadata = self.fetch(&registration.settings.issuer).await?.metadata;
                let client = self::client(registration, &metadata)?;
                verify::id_token(&client, &metadata, id_token, &check)
            }
            other => other,
        };
        let asserted = asserted.map_err(|failure| OidcError::Refused(failure.text()))?;
        if asserted.is_complete(registration.settings) {
            return Ok(asserted.asserted);
        }
        verify::complete(&client, &http, tokens.access_token().clone(), asserted, claim).await
    }

    /// Sends what the protocol wants sent.
    fn http(&self) -> impl Fn(HttpRequest) -> Sent + Send + Sync + 'static {
        let outbound = self.outbound.clone();
        move |request| {
            let outbound = outbound.clone();
            Box::pin(async move { outbound.send(request).await })
        }
    }

    fn remembered(&self, issuer: &str) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    async fn find(&self, issuer: &str) -> Result<Known, OidcError> {
        let remembered = self.remembered(issuer);
        if let Some(known) = remembered.as_ref().filter(|known| known.fetched.elapsed() < FRESH) {
            return Ok(known.clone());
        }
        match (self.fetch(issuer).await, remembered) {
            (Err(error), Some(known)) if known.fetched.elapsed() < USABLE => {
                tracing::warn!(%error, "an identity provider cannot be asked; what it said before is used");
                Ok(known)
            }
            (fetched, _) => fetched,
        }
    }

    async fn fetch(&self, issuer: &str) -> Result<Known, OidcError> {
        let url = IssuerUrl::new(issuer.to_owned()).map_err(|_| unusable("the issuer is not an address"))?;
        let http = self.http();
        let metadata = Metadata::discover_async(url, &http).await.map_err(|error| problem(&error))?;
        let endpoint = metadata.authorization_endpoint().url();
        // People type their passwords there.
        self.outbound
            .check(endpoint)
            .map_err(|error| OidcError::Unusable(format!("its authorization endpoint {error}")))?;
        if types::algorithms(&metadata).is_empty() {
            return Err(unusable("signs its ID tokens by no algorithm that is taken"));
        }
        let known = Known { metadata: Arc::new(metadata), fetched: Instant::now() };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(issuer.to_owned(), known.clone());
        Ok(known)
    }
}

fn unusable(text: &str) -> OidcError {
    OidcError::Unusable(text.to_owned())
}

/// What is wrong with what a provider says of itself, without a word of its own.
fn problem(error: &DiscoveryError<rolecall_outbound::Error>) -> OidcError {
    match error {
        DiscoveryError::Request(error) => OidcError::Unusable(error.to_string()),
        DiscoveryError::Response(status, ..) if !status.is_success() => {
            OidcError::Unusable(format!("it answers with the HTTP status {}", status.as_u16()))
        }
        DiscoveryError::Response(..) => unusable("it answers with something else than JSON"),
        DiscoveryError::Parse(_) => unusable("its configuration or its keys cannot be read"),
        DiscoveryError::Validation(_) => unusable("its configuration names another issuer"),
        DiscoveryError::Other(_) | DiscoveryError::UrlParse(_) | _ => unusable("its configuration cannot be fetched"),
    }
}

fn client(registration: Registration<'_>, metadata: &Metadata) -> Result<Client, OidcError> {
    let secret = Some(registration.client_secret).filter(|secret| !secret.is_empty());
    let id = ClientId::new(registration.settings.client_id.clone());
    let redirect = RedirectUrl::new(registration.redirect_uri.to_owned());
    let redirect = redirect.map_err(|_| unusable("server.external_url is not an address"))?;
    let secret = secret.map(|secret| ClientSecret::new(secret.to_owned()));
    let client = Client::from_provider_metadata(metadata.clone(), id, secret).set_redirect_uri(redirect);
    let methods = metadata.token_endpoint_auth_methods_supported();
    let takes = |method| methods.is_some_and(|methods| methods.contains(&method));
    // Basic is the default of the protocol; only who takes no other gets the secret in the body.
    let in_body = takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic);
    Ok(client.set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth }))
}
