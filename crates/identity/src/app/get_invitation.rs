//! Tells a person who invites it into what.

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::{Fault, take_faults};
use super::invite::inviter_name;
use crate::domain::invitation::Invitation;
use crate::domain::password::PasswordPolicy;
use crate::domain::user::User;
use crate::store::{invitations, users};

/// What a person sees of its invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Name of the organization.
    pub(crate) organization_name: String,
    /// Name of who invites.
    pub(crate) inviter_name: String,
    /// The invited account.
    pub(crate) user: User,
    /// Names of the roles that wait.
    pub(crate) roles: Vec<String>,
    /// When the code ends.
    pub(crate) expires: Timestamp,
    /// What the password must satisfy.
    pub(crate) password_policy: PasswordPolicy,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The code is unknown, used, replaced or ended.
    #[error("no such invitation")]
    InvitationNotFound,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Shows an invitation; changes nothing.
pub(crate) async fn run(resources: &Resources, code: &OpaqueToken) -> Result<Shown, Error> {
    let (invitation, user) = open(resources, code).await?.ok_or(Error::InvitationNotFound)?;
    let reader = resources.db.reader();
    let organization = resources.organization.settings(invitation.organization_id).await?;
    let membership = resources.organization.member(user.user_id).await?;
    let everywhere = resources.password_policy;
    Ok(Shown {
        password_policy: organization.as_ref().map_or(everywhere, |found| found.password_policy(everywhere)),
        organization_name: organization.map(|found| found.name).unwrap_or_default(),
        inviter_name: inviter_name(&reader, invitation.inviter_id).await?,
        user,
        roles: membership.roles,
        expires: invitation.expires,
    })
}

/// Finds the invitation that a code opens now, and its account.
pub(crate) async fn open(resources: &Resources, code: &OpaqueToken) -> Result<Option<(Invitation, User)>, Fault> {
    let reader = resources.db.reader();
    let found = invitations::find_by_code(&reader, &code.digest()).await?;
    let Some(invitation) = found.filter(|invitation| invitation.is_open(resources.now())) else {
        return Ok(None);
    };
    let user = users::find(&reader, invitation.user_id).await?;
    Ok(user.map(|user| (invitation, user)))
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
