//! Tells how somebody would log in, by the domain of the address alone: no account is looked at.

use rolecall_kernel::id::IdentityProviderId;
use rolecall_kernel::text::EmailAddress;

use super::fault::Fault;
use super::{Resources, sso};
use crate::domain::password::PasswordPolicy;
use crate::peers::{Passwords, RegistrationMode};
use crate::store::instance;

/// How somebody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoginMethod {
    /// With a password.
    Password,
    /// At this identity provider.
    Sso {
        /// The provider.
        provider: IdentityProviderId,
        /// Whether nothing else opens an account.
        required: bool,
    },
}

/// What is open to somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginOptions {
    /// How it logs in.
    pub(crate) method: LoginMethod,
    /// Whether strangers may register at the home organization.
    pub(crate) registration_open: bool,
    /// Whether strangers may look around there as guests.
    pub(crate) guest_sessions: bool,
    /// What a new password must satisfy there.
    pub(crate) password_policy: PasswordPolicy,
}

/// Tells what is open to somebody with this address.
pub(crate) async fn run(resources: &Resources, email: &EmailAddress) -> Result<LoginOptions, Fault> {
    let method = method(resources, email).await?;
    let home = match instance::find_home(&resources.db.reader()).await? {
        Some(home) => resources.organization.settings(home).await?,
        None => None,
    };
    let policy = resources.password_policy;
    Ok(LoginOptions {
        method,
        registration_open: home.as_ref().is_some_and(|home| home.registration_mode == RegistrationMode::SelfService),
        guest_sessions: home.as_ref().is_some_and(|home| home.guest_sessions),
        password_policy: home.map_or(policy, |home| home.password_policy(policy)),
    })
}

/// Finds the identity provider of the organization that proved the domain, and whether that has passwords beside it.
async fn method(resources: &Resources, email: &EmailAddress) -> Result<LoginMethod, Fault> {
    let Some(provider) = sso::sso_for_domain(resources, email).await? else { return Ok(LoginMethod::Password) };
    let settings = resources.organization.settings(provider.organization_id).await?;
    let required = settings.is_some_and(|settings| settings.passwords != Passwords::Everybody);
    Ok(LoginMethod::Sso { provider: provider.identity_provider_id, required })
}
