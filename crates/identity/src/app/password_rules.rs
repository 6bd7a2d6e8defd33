//! What a new password of a person must satisfy.

use super::Resources;
use crate::domain::password::PasswordPolicy;
use crate::domain::user::User;
use crate::peers::PeerError;

/// What a new password of a person must satisfy.
#[derive(Debug)]
pub(crate) struct PasswordRules {
    /// The policy of its organization.
    pub(crate) policy: PasswordPolicy,
    /// What it must not be made of.
    pub(crate) context: Vec<String>,
    /// Whether the person has none at all: it logs in at its identity provider.
    pub(crate) is_sso: bool,
}

/// Asks organization what a new password of a person must satisfy.
pub(crate) async fn find(resources: &Resources, user: &User) -> Result<PasswordRules, PeerError> {
    let organization = resources.organization.settings(user.organization_id).await?;
    // Where nobody knows better, a password stands alone.
    let everywhere = resources.password_policy;
    let policy = organization.as_ref().map_or(everywhere, |found| found.password_policy(everywhere));
    let is_sso = organization.as_ref().is_some_and(|found| !found.passwords.allow(user.user_id));
    let context = user.context_words(&organization.map(|found| found.name).unwrap_or_default());
    Ok(PasswordRules { policy, context, is_sso })
}
