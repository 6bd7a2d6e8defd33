//! Tells how somebody would log in, by the domain of the address alone: no account is looked at.

use rolecall_kernel::text::EmailAddress;

use super::fault::Fault;
use super::{Resources, sso};
use crate::domain::password::PasswordPolicy;
use crate::peers::RegistrationMode;
use crate::store::instance;

/// How somebody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoginMethod {
    /// With a password.
    Password,
    /// At this identity provider.
    Sso(String),
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
    let provider = sso_for_domain(resources, email).await?;
    let home = match instance::find_home(&resources.db.reader()).await? {
        Some(home) => resources.organization.settings(home).await?,
        None => None,
    };
    let policy = resources.password_policy;
    Ok(LoginOptions {
        method: provider.map_or(LoginMethod::Password, LoginMethod::Sso),
        registration_open: home.as_ref().is_some_and(|home| home.registration_mode == RegistrationMode::SelfService),
        guest_sessions: home.as_ref().is_some_and(|home| home.guest_sessions),
        password_policy: home.map_or(policy, |home| home.password_policy(policy)),
    })
}

/// Finds the identity provider of the organization that proved the domain.
async fn sso_for_domain(resources: &Resources, email: &EmailAddress) -> Result<Option<String>, Fault> {
    let provider = sso::sso_for_domain(resources, email).await?;
    Ok(provider.map(|provider| provider.identity_provider_id.to_string()))
}
