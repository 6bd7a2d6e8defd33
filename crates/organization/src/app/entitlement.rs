//! The rights of the actor that an internal call names, read from its own row.

use rolecall_authz::Scope;
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;

use crate::domain::actor::Subject;
use crate::domain::organization::Organization;
use crate::store::{organizations, subjects};

/// Why the actor may not.
#[derive(Debug)]
pub(super) enum Lacking {
    /// It names no organization and has none of its own.
    OrganizationMissing,
    /// No such organization within what the actor may see.
    OrganizationNotFound,
    /// The organization is suspended: nobody joins it.
    OrganizationSuspended,
    /// It is unknown, kept out, or lacks the permission.
    Right,
    /// The database did not say.
    Store(Error),
}

impl From<Error> for Lacking {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Finds the actor, if it can act at all.
pub(super) async fn find_actor(tx: &Tx, actor: SubjectId, now: Timestamp) -> Result<Subject, Lacking> {
    let actor = subjects::find(tx, &Scope::All, actor).await?.ok_or(Lacking::Right)?;
    if actor.can_act(now) { Ok(actor) } else { Err(Lacking::Right) }
}

/// Finds the organization that the actor means, if it holds the permission there.
///
/// An organization that the actor cannot see is answered like one that does not exist.
pub(super) async fn find_organization(
    tx: &Tx,
    actor: &Subject,
    permission: &str,
    organization: Option<OrganizationId>,
    now: Timestamp,
) -> Result<Organization, Lacking> {
    let own = actor.organization_id();
    let id = organization.or(own).ok_or(Lacking::OrganizationMissing)?;
    if !actor.may(permission, id, now) {
        return Err(if own == Some(id) { Lacking::Right } else { Lacking::OrganizationNotFound });
    }
    // Locked, so that nobody joins an organization that is being suspended.
    let organization = organizations::find_locked(tx, &Scope::All, id).await?.ok_or(Lacking::OrganizationNotFound)?;
    if organization.suspension().is_some() { Err(Lacking::OrganizationSuspended) } else { Ok(organization) }
}
