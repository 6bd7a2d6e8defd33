//! Shows what the proof of an address would make; changes nothing.

use rolecall_kernel::entropy::OpaqueToken;

use super::Resources;
use super::fault::{Fault, take_faults};
use super::password_rules;
use crate::domain::password::PasswordPolicy;
use crate::domain::registration::{Registration, yields};
use crate::store::{registrations, users};

/// What whoever has the code sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// What the person said of itself.
    pub(crate) registration: Registration,
    /// Name of the organization.
    pub(crate) organization_name: String,
    /// What a new password must satisfy.
    pub(crate) password_policy: PasswordPolicy,
    /// Whether an account that nobody proved ends with it.
    pub(crate) replaces_account: bool,
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

/// Shows what a code would make now.
pub(crate) async fn run(resources: &Resources, code: &OpaqueToken) -> Result<Shown, Error> {
    let reader = resources.db.reader();
    let open = registrations::find_open(&reader, &code.digest(), resources.now()).await?;
    let registration = open.ok_or(Error::CodeNotFound)?.registration;
    let organization = resources.organization.settings(registration.organization_id).await?;
    let rules = password_rules::find(resources, &registration.person()).await?;
    let owner = users::find_by_email(&reader, &registration.email).await?;
    Ok(Shown {
        registration,
        organization_name: organization.map(|found| found.name).unwrap_or_default(),
        password_policy: rules.policy,
        replaces_account: owner.is_some_and(|(owner, _)| yields(&owner)),
    })
}
