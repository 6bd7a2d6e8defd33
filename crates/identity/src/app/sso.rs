//! Single sign-on: identity providers and domains of organizations, and logins that begin there.

pub(crate) mod admit;
pub(crate) mod begin;
pub(crate) mod complete;
pub(crate) mod domains;
pub(crate) mod links;
pub(crate) mod providers;
pub(crate) mod return_to;

use rolecall_db::Error as StoreError;
use rolecall_kernel::id::IdentityProviderId;
use rolecall_kernel::text::EmailAddress;

use super::Resources;
use super::fault::Fault;
use crate::domain::sso::{IdentityProvider, ProviderSettings};
use crate::oidc::Registration;
use crate::store::{domains as proven, identity_providers};

/// Finds the provider that people of an address log in at: one that serves, of the organization that proved the domain.
pub(crate) async fn sso_for_domain(
    resources: &Resources,
    email: &EmailAddress,
) -> Result<Option<IdentityProvider>, StoreError> {
    let reader = resources.db.reader();
    match proven::find_owner(&reader, email.domain()).await? {
        Some(organization) => identity_providers::find_serving(&reader, organization).await,
        None => Ok(None),
    }
}

/// Returns where a provider sends browsers back to: an address of its own for each, so that none answers for another.
pub(crate) fn redirect_uri(resources: &Resources, id: IdentityProviderId) -> String {
    format!("{}/sso/callback/{id}", resources.config.pages.external_url.trim_end_matches('/'))
}

/// Seals the client secret of a provider, bound to that.
fn seal_secret(resources: &Resources, id: IdentityProviderId, secret: &str) -> Vec<u8> {
    resources.provider_secrets.seal(id.as_uuid().as_bytes(), secret.as_bytes(), resources.entropy.as_ref())
}

/// Opens the client secret of a provider.
async fn open_secret(resources: &Resources, id: IdentityProviderId) -> Result<String, Fault> {
    let sealed = identity_providers::find_secret(&resources.db.reader(), id).await?.unwrap_or_default();
    let opened = resources.provider_secrets.open(id.as_uuid().as_bytes(), &sealed);
    let secret = opened.map_err(|_| Fault::Defect("the secret of an identity provider cannot be opened"))?;
    String::from_utf8(secret.to_vec()).map_err(|_| Fault::Defect("the secret of an identity provider is not text"))
}

/// How we are known to a provider.
const fn registration<'a>(
    settings: &'a ProviderSettings,
    client_secret: &'a str,
    redirect_uri: &'a str,
) -> Registration<'a> {
    Registration { settings, client_secret, redirect_uri }
}
