//! Tells organization whether it can do without passwords.

use rolecall_db::Error;
use rolecall_kernel::id::{OrganizationId, UserId};

use super::Resources;
use crate::store::{challenges, identity_providers, users};

/// What there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Whether an identity provider of the organization serves.
    pub(crate) has_provider: bool,
    /// Whether the owner who is to keep a password has confirmed a second factor.
    pub(crate) has_factor: bool,
}

/// Looks for a provider and for a second factor.
pub(crate) async fn run(
    resources: &Resources,
    organization: OrganizationId,
    break_glass: UserId,
) -> Result<Found, Error> {
    let reader = resources.db.reader();
    let has_provider = identity_providers::find_serving(&reader, organization).await?.is_some();
    let user = users::find(&reader, break_glass).await?.filter(|user| user.organization_id == organization);
    let has_factor = match user {
        Some(user) => challenges::standing(&reader, user.user_id).await?.has_factor,
        None => false,
    };
    Ok(Found { has_provider, has_factor })
}
