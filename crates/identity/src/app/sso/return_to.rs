//! From the provider back to whoever began the login: what came through the browser travels on as one sealed text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_db::Error as StoreError;
use rolecall_kernel::id::IdentityProviderId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use super::super::Resources;
use crate::domain::sso::LoginSecrets;
use crate::oidc::Returned;
use crate::store::sso_logins;

/// What the sealed text is bound to.
const CONTEXT: &[u8] = b"sso handle";

/// What came through the browser.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Callback {
    /// What we sent along.
    pub(crate) state: String,
    /// The authorization code; none when the provider refused.
    pub(crate) code: Option<String>,
    /// Who answers.
    pub(crate) iss: Option<String>,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Callback(redacted)")
    }
}

impl Callback {
    /// Returns what the provider is asked with.
    pub(super) fn returned(self) -> Option<Returned> {
        Some(Returned { code: self.code?, iss: self.iss })
    }

    /// Seals it, to be carried by a browser.
    pub(crate) fn seal(&self, resources: &Resources) -> Option<String> {
        let plain = serde_json::to_vec(self).ok()?;
        Some(URL_SAFE_NO_PAD.encode(resources.provider_secrets.seal(CONTEXT, &plain, resources.entropy.as_ref())))
    }

    /// Opens what [`seal`](Self::seal) made.
    pub(crate) fn open(resources: &Resources, handle: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(handle).ok()?;
        let plain = resources.provider_secrets.open(CONTEXT, &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

/// Where a browser goes with its handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// There.
    Address(String),
    /// Nowhere: the person carries the handle itself.
    Page(String),
}

/// Takes what a provider sent through the browser; none when no login waits for it there.
pub(crate) async fn take(
    resources: &Resources,
    provider: IdentityProviderId,
    callback: &Callback,
) -> Result<Option<Next>, StoreError> {
    let hash = &digest(&callback.state);
    let found = sso_logins::find_by_state(&resources.db.reader(), hash, resources.now()).await?;
    let Some(login) = found.filter(|login| login.identity_provider_id == provider) else {
        return Ok(None);
    };
    let (Some(secrets), Some(handle)) = (open_login(resources, hash, &login.sealed), callback.seal(resources)) else {
        return Ok(None);
    };
    Ok(Some(match secrets.return_url.as_deref().and_then(|url| Url::parse(url).ok()) {
        None => Next::Page(handle),
        Some(mut url) => {
            url.query_pairs_mut().append_pair("handle", &handle);
            Next::Address(url.to_string())
        }
    }))
}

/// The hash of a text.
pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Seals the secrets of a login, bound to its state.
pub(super) fn seal_login(resources: &Resources, secrets: &LoginSecrets) -> Option<Vec<u8>> {
    let plain = serde_json::to_vec(secrets).ok()?;
    Some(resources.provider_secrets.seal(&digest(&secrets.state), &plain, resources.entropy.as_ref()))
}

/// Opens the secrets of the login with this state.
pub(super) fn open_login(resources: &Resources, state_hash: &[u8; 32], sealed: &[u8]) -> Option<LoginSecrets> {
    let plain = resources.provider_secrets.open(state_hash, sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// Whether a browser may be sent there: an address of the list, or a program on the person's own machine (RFC 8252,
/// section 7.3), which alone holds the token that the handle is of use with.
pub(super) fn may_return(allowed: &[String], text: &str) -> bool {
    if allowed.iter().any(|url| url == text) {
        return true;
    }
    let Ok(url) = Url::parse(text) else { return false };
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    is_loopback && url.scheme() == "http" && url.fragment().is_none() && url.username().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_sent_to_listed_addresses_and_to_programs_of_the_person() {
        let allowed = ["https://app.example.org/sso".to_owned()];
        for right in ["https://app.example.org/sso", "http://127.0.0.1:4711/", "http://[::1]:80/done"] {
            assert!(may_return(&allowed, right), "{right}");
        }
        for wrong in [
            "https://app.example.org/sso/",
            "https://app.example.org/sso?x=1",
            "https://evil.example.org/",
            "http://localhost:1/",
            "http://127.0.0.1.example.org/",
            "https://127.0.0.1/",
            "http://user@127.0.0.1/",
            "http://127.0.0.1/#x",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!may_return(&allowed, wrong), "{wrong}");
        }
    }
}
