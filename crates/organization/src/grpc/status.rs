//! Every error of a use case as the status that the contract names.

mod audit;
mod organizations;
mod roles;
mod settings;

pub(super) use audit::{audit_event_not_found, filter_not_indexed, not_indexed};
pub(super) use organizations::change_organization;
pub use organizations::organization_suspended;
pub(super) use roles::{change_role, register_permissions, role_not_found};
pub(super) use settings::{directory, update_settings};

use std::time::Duration;

use rolecall_api::organization::v1::ErrorReason;
use rolecall_rpc::status::{StatusBuilder, Violations, domain, internal};
use tonic::{Code, Status};

use crate::app::{
    activate_member, add_guest, add_member, add_service_account, bootstrap_organization, change_member, confirm_member,
    create_organization, end_member, register_member, remove_member, update_service_account, yield_member,
};
use crate::domain::guard::Orphaned;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Spells a table of codes and their reasons.
macro_rules! codes {
    ($given:ident { $($code:ident: $($reason:ident),+;)+ }) => {
        match $given {
            $($(ErrorReason::$reason)|+ => Code::$code,)+
        }
    };
}

/// Returns the code that the contract gives a reason.
const fn code(reason: ErrorReason) -> Code {
    codes! { reason {
        InvalidArgument: RequestInvalid, RequestIdReused, FilterNotIndexed;
        NotFound: OrganizationNotFound, AuditEventNotFound, MemberNotFound, SubjectNotFound, RoleNotFound,
            ModelNotFound, ModelVersionNotFound, DatasetNotFound, AssetPolicyNotFound, ComputeSpecNotFound;
        AlreadyExists: OrganizationNameTaken, EmailTaken, RoleNameTaken, ModelNameTaken, DatasetNameTaken;
        FailedPrecondition: SelfRefused, LastOwner, LastAdmin, MemberNotBlocked, MemberNotActive,
            InviterNotEntitled, RegistrationClosed, EmailDomainRefused, AlreadyBootstrapped, OrganizationSuspended,
            OrganizationNotSuspended, HomeOrganization, OrganizationHasAdmin, GuestsNotAllowed, ProviderMissing,
            BreakGlassUnfit, BreakGlassOwner, AdminAmongMembers, RoleInUse, ModelVersionPublished, RegistrantUnfit,
            AssetPolicyNotActive, AssetPolicyRevoked, AssetPolicyActive, AssetPolicyWidened, AssetPolicyExpired,
            AssetPolicyIncomplete, ModelInUse, ComputeSpecNotDraft, ComputeSpecUncovered, ComputeSpecNotUnderReview,
            ComputeSpecEnded, ComputeSpecNotApproved, ComputeSpecRunEnded;
        PermissionDenied: RoleNotGrantable, PermissionNotGrantable, ActorNotEntitled, NamespaceNotOwned;
        ResourceExhausted: ModelVersionsExhausted, RoleLimitReached, PermissionLimitReached,
            AssetPolicyLimitReached, BeneficiaryLimitReached, ComputeSpecLimitReached;
        Aborted: EtagMismatch, SubjectRemoved, AccessListExpired;
        Unavailable: PeerUnavailable, StoreUnavailable, AccessNotCurrent;
        OutOfRange: ResumeTokenExpired;
        Internal: Internal, Unspecified;
    } }
}

fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

/// Begins the refusal for a reason of the contract.
pub fn refusal(reason: ErrorReason, message: &str) -> StatusBuilder {
    StatusBuilder::new(code(reason), domain::ORGANIZATION, name(reason), message)
}

/// All field violations of a request.
pub fn invalid(violations: Violations) -> Status {
    violations.into_status(domain::ORGANIZATION, name(ErrorReason::RequestInvalid))
}

/// One field violation.
pub(super) fn invalid_field(field: &str, reason: &str, description: &str) -> Status {
    let mut violations = Violations::default();
    violations.push(field, reason, description);
    invalid(violations)
}

/// The same bytes for what does not exist and for what the caller may not see.
pub fn organization_not_found() -> Status {
    let message = "No such organization; check the id, and whether you belong to it.";
    refusal(ErrorReason::OrganizationNotFound, message).build()
}

/// The same bytes for what does not exist and for what the caller may not see.
pub(super) fn member_not_found() -> Status {
    let message = "No such member; check the id, and whether it belongs to your organization.";
    refusal(ErrorReason::MemberNotFound, message).build()
}

/// No such subject.
pub fn subject_not_found() -> Status {
    refusal(ErrorReason::SubjectNotFound, "No such subject; check the id.").build()
}

pub(super) fn resume_token_expired() -> Status {
    let message = "The resume token is older than what is kept; start without one and read everything anew.";
    refusal(ErrorReason::ResumeTokenExpired, message).build()
}

/// The database did not do it.
pub fn store(error: rolecall_db::Error) -> Status {
    match error {
        rolecall_db::Error::Conflict | rolecall_db::Error::Unavailable | rolecall_db::Error::Timeout => {
            let message = "The database is out of reach or busy; repeat the call later.";
            refusal(ErrorReason::StoreUnavailable, message).retry_after(RETRY_AFTER).source(error).build()
        }
        rolecall_db::Error::Unique(_) | rolecall_db::Error::Internal(_) => internal(domain::ORGANIZATION, error),
    }
}

/// The request id was used before with other content.
pub fn request_id_reused() -> Status {
    let message = "The request id was used before with other content; use a new one for a new request.";
    refusal(ErrorReason::RequestIdReused, message)
        .violation("request_id", "REUSED", "names a request with other content; use a new one")
        .build()
}

/// The caller lost the right to it while asking.
pub fn not_entitled() -> Status {
    refusal(ErrorReason::ActorNotEntitled, "You no longer hold the right to this; ask an administrator.").build()
}

fn not_grantable(roles: &[String]) -> Status {
    let roles = roles.join(", ");
    let message = format!("You may not give or take these roles here: {roles}; ask an owner or an administrator.");
    refusal(ErrorReason::RoleNotGrantable, &message).metadata("roles", roles).build()
}

fn orphaned(orphaned: Orphaned) -> Status {
    match orphaned {
        Orphaned::Organization => {
            let message = "An organization keeps at least one owner that can act; make somebody else an owner first.";
            refusal(ErrorReason::LastOwner, message).build()
        }
        Orphaned::Instance => {
            let message =
                "The instance keeps at least one administrator that can act; grant it to somebody else first.";
            refusal(ErrorReason::LastAdmin, message).build()
        }
        Orphaned::BreakGlass => {
            let message =
                "The person is the break-glass owner of its organization; name another in its settings first.";
            refusal(ErrorReason::BreakGlassOwner, message).build()
        }
        Orphaned::NoWayIn => {
            let message = "The organization of the person has no passwords, and no identity provider speaks for \
                           administrators of the instance.";
            refusal(ErrorReason::AdminAmongMembers, message).build()
        }
    }
}

pub(super) fn change_member(error: change_member::Error) -> Status {
    use change_member::Error as E;
    match error {
        E::NotFound => member_not_found(),
        E::OnItself => {
            let message = "Nobody changes the own roles or blocks itself; ask another owner or an administrator.";
            refusal(ErrorReason::SelfRefused, message).build()
        }
        E::NotEntitled => not_entitled(),
        E::Orphaned(error) => orphaned(error),
        E::NotGrantable(roles) => not_grantable(&roles),
        E::RolesUnknown(places) => roles::roles_unknown(&places),
        E::EtagMismatch { current } => {
            let message = format!("The member has changed to {current}; read it again and repeat.");
            refusal(ErrorReason::EtagMismatch, &message).metadata("etag", current).build()
        }
        E::NotActive => {
            let message = "The member has not accepted its invitation; wait until it has.";
            refusal(ErrorReason::MemberNotActive, message).build()
        }
        E::OrganizationSuspended => organization_suspended(),
        E::NotBlocked => {
            refusal(ErrorReason::MemberNotBlocked, "The member is not blocked; nothing is to be lifted.").build()
        }
        E::RequestIdReused(_) => request_id_reused(),
        E::Store(error) => store(error),
    }
}

pub(super) fn create_organization(error: create_organization::Error) -> Status {
    use create_organization::Error as E;
    match error {
        E::NotEntitled => not_entitled(),
        E::NameTaken => organizations::name_taken(),
        E::EmailTaken => {
            let message = "The address belongs to another account; give the first owner another.";
            refusal(ErrorReason::EmailTaken, message).build()
        }
        E::Unfinished => peer_unavailable(),
        E::Refused(_) => internal(domain::ORGANIZATION, error),
        E::RequestIdReused(_) => request_id_reused(),
        E::Store(error) => store(error),
    }
}

fn peer_unavailable() -> Status {
    let message = "Another service that this needs is out of reach; repeat the call with the same request id.";
    refusal(ErrorReason::PeerUnavailable, message).retry_after(RETRY_AFTER).build()
}

pub(super) fn add_member(error: add_member::Error) -> Status {
    use add_member::Error as E;
    match error {
        E::OrganizationMissing => organization_missing(),
        E::OrganizationNotFound => organization_not_found(),
        E::OrganizationSuspended => organization_suspended(),
        E::NotEntitled => actor_not_entitled(),
        E::NotGrantable(roles) => not_grantable(&roles),
        E::RolesUnknown(places) => roles::roles_unknown(&places),
        E::MemberElsewhere => invalid_field("user_id", "IN_USE", "belongs to another membership"),
        E::Removed => subject_removed(),
        E::Store(error) => store(error),
    }
}

pub(super) fn add_guest(error: add_guest::Error) -> Status {
    match error {
        add_guest::Error::NotAllowed => {
            let message = "Nobody looks around there as a guest; check the id, or log in.";
            refusal(ErrorReason::GuestsNotAllowed, message).build()
        }
        add_guest::Error::Store(error) => store(error),
    }
}

pub(super) fn add_service_account(error: add_service_account::Error) -> Status {
    use add_service_account::Error as E;
    match error {
        E::OrganizationMissing => organization_missing(),
        E::OrganizationNotFound => organization_not_found(),
        E::OrganizationSuspended => organization_suspended(),
        E::NotEntitled => actor_not_entitled(),
        E::NotGrantable(permissions) => permissions_not_grantable(&permissions),
        E::PermissionsUnknown(names) => permissions_unknown(&names),
        E::AccountElsewhere => {
            invalid_field("service_account_id", "IN_USE", "belongs to an account with other content")
        }
        E::Removed => subject_removed(),
        E::Store(error) => store(error),
    }
}

pub(super) fn update_service_account(error: update_service_account::Error) -> Status {
    use update_service_account::Error as E;
    match error {
        E::NotFound => subject_not_found(),
        E::NotEntitled => actor_not_entitled(),
        E::NotGrantable(permissions) => permissions_not_grantable(&permissions),
        E::PermissionsUnknown(names) => permissions_unknown(&names),
        E::Store(error) => store(error),
    }
}

fn permissions_not_grantable(permissions: &[String]) -> Status {
    let permissions = permissions.join(", ");
    let message = format!("You may not give these permissions here: {permissions}; give only what you hold.");
    refusal(ErrorReason::PermissionNotGrantable, &message).metadata("permissions", permissions).build()
}

fn permissions_unknown(names: &[String]) -> Status {
    invalid_field(
        "permissions",
        "PERMISSION_UNKNOWN",
        &format!("must be permissions; no backend has {}", names.join(", ")),
    )
}

fn subject_removed() -> Status {
    let message = "The account was removed before it was added; begin anew with another id.";
    refusal(ErrorReason::SubjectRemoved, message).build()
}

pub(super) fn organization_missing() -> Status {
    invalid_field("organization_id", "REQUIRED", "is required of who belongs to no organization")
}

fn actor_not_entitled() -> Status {
    refusal(ErrorReason::ActorNotEntitled, "The actor lacks the right to this; ask an administrator.").build()
}

pub(super) fn register_member(error: register_member::Error) -> Status {
    use register_member::Error as E;
    match error {
        E::Closed => {
            let message = "The organization takes no registrations; ask it for an invitation.";
            refusal(ErrorReason::RegistrationClosed, message).build()
        }
        E::DomainRefused => {
            let message = "The organization takes registrations with addresses of other domains only.";
            refusal(ErrorReason::EmailDomainRefused, message).build()
        }
        E::Orphaned(error) => orphaned(error),
        E::MemberElsewhere => invalid_field("user_id", "IN_USE", "belongs to another membership"),
        E::Removed => subject_removed(),
        E::Store(error) => store(error),
    }
}

pub(super) fn yield_member(error: yield_member::Error) -> Status {
    match error {
        yield_member::Error::Orphaned(error) => orphaned(error),
        yield_member::Error::Store(error) => store(error),
    }
}

pub(super) fn confirm_member(error: confirm_member::Error) -> Status {
    match error {
        confirm_member::Error::NotFound => member_not_found(),
        confirm_member::Error::Store(error) => store(error),
    }
}

pub(super) fn activate_member(error: activate_member::Error) -> Status {
    use activate_member::Error as E;
    match error {
        E::NotFound => member_not_found(),
        E::InviterNotEntitled => {
            let message = "The inviter may no longer invite; ask for a new invitation.";
            refusal(ErrorReason::InviterNotEntitled, message).build()
        }
        E::OrganizationSuspended => organization_suspended(),
        E::Unfinished => peer_unavailable(),
        E::Store(error) => store(error),
    }
}

pub(super) fn remove_member(error: remove_member::Error) -> Status {
    match error {
        remove_member::Error::Active => invalid_field("user_id", "ACTIVE", "belongs to an active member, which stays"),
        remove_member::Error::Store(error) => store(error),
    }
}

pub(super) fn end_member(error: end_member::Error) -> Status {
    use end_member::Error as E;
    match error {
        E::OnItself => {
            refusal(ErrorReason::SelfRefused, "Nobody ends itself; ask another owner or an administrator.").build()
        }
        E::NotEntitled => actor_not_entitled(),
        E::NotGrantable(roles) => not_grantable(&roles),
        E::Orphaned(error) => orphaned(error),
        E::Store(error) => store(error),
    }
}

pub(super) fn bootstrap_organization(error: bootstrap_organization::Error) -> Status {
    match error {
        bootstrap_organization::Error::AlreadyBootstrapped => {
            let message = "The home organization exists already, with other content; log in as its administrator.";
            refusal(ErrorReason::AlreadyBootstrapped, message).build()
        }
        bootstrap_organization::Error::Store(error) => store(error),
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_reason_has_the_code_that_the_contract_gives_it() {
        let pool = DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).expect("our own descriptors");
        let reasons = pool.get_enum_by_name("rolecall.organization.v1.ErrorReason").expect("the reasons");
        let option = pool.get_extension_by_name("rolecall.authz.v1.code").expect("the option");
        for value in reasons.values().filter(|value| value.number() != 0) {
            let declared = value.options().get_extension(&option).as_enum_number();
            let reason = ErrorReason::try_from(value.number()).expect("a reason");
            assert_eq!(declared, Some(code(reason) as i32), "{}", value.name());
        }
    }
}
