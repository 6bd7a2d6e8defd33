//! Errors about roles and permissions.

use rolecall_api::organization::v1::ErrorReason;
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::permissions_not_grantable;
use super::{
    invalid, invalid_field, not_entitled, not_grantable, organization_not_found, refusal, request_id_reused, store,
};
use crate::app::{change_role, register_permissions};
use crate::domain::custom_role::MAX_TAKEN;
use crate::grpc::convert::ROLE_UNKNOWN;

/// The organization has no such role.
pub(in crate::grpc) fn role_not_found() -> Status {
    let message = "The organization has no role of that name; list its roles.";
    refusal(ErrorReason::RoleNotFound, message).build()
}

/// The organization has no such roles; the places are those of the request.
pub(super) fn roles_unknown(places: &[usize]) -> Status {
    let mut violations = Violations::default();
    for place in places {
        violations.push(format!("roles[{place}]"), "ROLE_UNKNOWN", ROLE_UNKNOWN);
    }
    invalid(violations)
}

pub(in crate::grpc) fn change_role(error: change_role::Error) -> Status {
    use change_role::Error as E;
    match error {
        E::OrganizationNotFound => organization_not_found(),
        E::NotFound => role_not_found(),
        E::NotEntitled => not_entitled(),
        E::NameTaken => {
            let message = "The organization has a role of that name; choose another, or change that one.";
            refusal(ErrorReason::RoleNameTaken, message).build()
        }
        E::LimitReached => {
            let message = "The organization has 100 roles, which is as many as it may; delete one first.";
            refusal(ErrorReason::RoleLimitReached, message).metadata("limit", "100").build()
        }
        E::InUse(holders) => {
            let message = format!("{holders} hold the role; give them others first, or set take_from_holders.");
            refusal(ErrorReason::RoleInUse, &message).metadata("holders", holders.to_string()).build()
        }
        E::InUseByMany(holders) => {
            let message = format!(
                "{holders} hold the role, and it is taken from {MAX_TAKEN} at most at once; give others to some first."
            );
            refusal(ErrorReason::RoleInUse, &message).metadata("holders", holders.to_string()).build()
        }
        E::PermissionsUnknown(places) => {
            let mut violations = Violations::default();
            for place in places {
                violations.push(format!("role.permissions[{place}]"), "PERMISSION_UNKNOWN", "must be a permission");
            }
            invalid(violations)
        }
        E::PermissionsNotGrantable(names) => permissions_not_grantable(&names),
        E::NotGrantable(name) => not_grantable(&[name.to_string()]),
        E::OnItself => {
            let message = "Nobody adds to a role that it holds itself what it lacks; ask an owner.";
            refusal(ErrorReason::SelfRefused, message).build()
        }
        E::EtagMismatch { current } => {
            let message = format!("The role has changed to {current}; read it again and repeat.");
            refusal(ErrorReason::EtagMismatch, &message).metadata("etag", current).build()
        }
        E::RequestIdReused(_) => request_id_reused(),
        E::Store(error) => store(error),
    }
}

pub(in crate::grpc) fn register_permissions(error: register_permissions::Error) -> Status {
    use register_permissions::Error as E;
    match error {
        E::NotOwned => {
            let message = "The namespace belongs to another account; ask an administrator of the instance for it.";
            refusal(ErrorReason::NamespaceNotOwned, message).build()
        }
        E::OwnerNotNameable => {
            invalid_field("service_account_id", "NOT_NAMEABLE", "must be empty: only administrators say whose it is")
        }
        E::OwnerUnknown => {
            invalid_field("service_account_id", "UNKNOWN", "must be a service account of the whole instance")
        }
        E::LimitReached => {
            let message = "The instance knows 5000 permissions of other backends, which is as many as it may.";
            refusal(ErrorReason::PermissionLimitReached, message).metadata("limit", "5000").build()
        }
        E::Role(error) => change_role(error),
    }
}
