//! Answers of other contexts as domain types.

use rolecall_api::organization::v1::{Member, Organization};
use rolecall_kernel::id::{OrganizationId, UserId};
use tonic::Status;

use super::organization::{OrganizationName, PeerError};
use crate::domain::user::Membership;

fn broken(what: &str) -> PeerError {
    PeerError::Broken(Box::new(Status::internal(format!("the answer holds no usable {what}"))))
}

/// Spells an identifier that may be absent.
pub(super) fn optional(id: Option<OrganizationId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// Reads the name of an organization.
pub(super) fn organization(organization: Option<Organization>) -> Result<OrganizationName, PeerError> {
    let organization = organization.ok_or_else(|| broken("organization"))?;
    let organization_id = OrganizationId::parse(&organization.organization_id).map_err(|_| broken("organization"))?;
    Ok(OrganizationName { organization_id, name: organization.name })
}

/// Reads an identifier that may be empty.
pub(super) fn organization_id(text: &str) -> Result<Option<OrganizationId>, PeerError> {
    if text.is_empty() {
        return Ok(None);
    }
    OrganizationId::parse(text).map(Some).map_err(|_| broken("organization"))
}

/// Reads the identifier of a person.
pub(super) fn user_id(text: &str) -> Result<UserId, PeerError> {
    UserId::parse(text).map_err(|_| broken("user id"))
}

/// Reads a membership.
pub(super) fn membership(member: Member) -> Membership {
    Membership { roles: member.roles, blocked: member.block.is_some() }
}
