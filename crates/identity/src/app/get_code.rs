//! Shows what a one-time code would do; changes nothing.

use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::fault::{Fault, take_faults};
use super::{Resources, codes};
use crate::domain::code::Purpose;
use crate::domain::password::PasswordPolicy;

/// What the person who has a code sees of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Name of the organization that the account belongs to.
    pub(crate) organization_name: String,
    /// The address of the account once the code is used.
    pub(crate) email: EmailAddress,
    /// When the code ends.
    pub(crate) expires: Timestamp,
    /// What a new password must satisfy.
    pub(crate) password_policy: PasswordPolicy,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The code is unknown, used, replaced or ended.
    #[error("no such code")]
    CodeNotFound,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Shows what a code would do now.
pub(crate) async fn run(resources: &Resources, code: &OpaqueToken, purpose: Purpose) -> Result<Shown, Error> {
    let opened = codes::find(resources, code, purpose).await?.ok_or(Error::CodeNotFound)?;
    let organization = resources.organization.settings(opened.user.organization_id).await?;
    let everywhere = resources.password_policy;
    let password_policy = organization.as_ref().map_or(everywhere, |found| found.password_policy(everywhere));
    let email = match purpose {
        Purpose::EmailChange => opened.code.email.ok_or(Error::CodeNotFound)?,
        Purpose::Reset => opened.user.email,
    };
    Ok(Shown {
        organization_name: organization.map(|found| found.name).unwrap_or_default(),
        email,
        expires: opened.code.expires,
        password_policy,
    })
}
