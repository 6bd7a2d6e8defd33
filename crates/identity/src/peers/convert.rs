//! Answers of other contexts as domain types.

use rolecall_api::organization::v1::{
    GetSubjectAccessResponse, Member, MfaPolicy as Wire, Organization, PermissionScope, SubjectKind as WireKind,
};
use rolecall_authz::SubjectKind;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;
use tonic::Status;

use super::organization::{OrganizationName, PeerError, Subject};
use crate::domain::factor::MfaPolicy;
use crate::domain::user::Membership;

/// Says what is wrong with an answer.
pub(super) fn broken(what: &str) -> PeerError {
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
    let mfa_policy = match organization.mfa_policy() {
        Wire::Unspecified | Wire::Required => MfaPolicy::Required,
        Wire::Optional => MfaPolicy::Optional,
    };
    Ok(OrganizationName { organization_id, name: organization.name, mfa_policy })
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

/// Reads what a subject may do; a scope that this version does not know grants nothing.
pub(super) fn subject(answer: &GetSubjectAccessResponse) -> Result<Subject, PeerError> {
    let held = answer.grants.iter().filter(|grant| grant.scope() != PermissionScope::Unspecified);
    Ok(Subject {
        kind: match answer.kind() {
            WireKind::User => Some(SubjectKind::User),
            WireKind::ServiceAccount => Some(SubjectKind::ServiceAccount),
            WireKind::Guest => Some(SubjectKind::Guest),
            WireKind::Unspecified => None,
        },
        organization_id: organization_id(&answer.organization_id)?,
        active: answer.active && !answer.blocked,
        permissions: held.map(|grant| grant.permission.clone()).collect(),
    })
}

/// Reads a membership.
pub(super) fn membership(member: Member) -> Membership {
    Membership { roles: member.roles, blocked: member.block.is_some() }
}

/// Reads a membership and its version.
pub(super) fn member_with_etag(mut member: Member) -> (Membership, String) {
    let etag = std::mem::take(&mut member.etag);
    (membership(member), etag)
}

/// Spells what an organization demands of logins.
pub(super) const fn mfa_policy(policy: MfaPolicy) -> Wire {
    match policy {
        MfaPolicy::Required => Wire::Required,
        MfaPolicy::Optional => Wire::Optional,
    }
}

/// Spells a time.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default() }
}
