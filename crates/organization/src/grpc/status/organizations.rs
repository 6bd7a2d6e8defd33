//! Errors about organizations as a whole.

use rolecall_api::organization::v1::ErrorReason;
use tonic::Status;

use super::{not_entitled, organization_not_found, peer_unavailable, refusal, request_id_reused, store};
use crate::app::change_organization;

/// Nobody changes anything in a suspended organization.
pub fn organization_suspended() -> Status {
    refusal(ErrorReason::OrganizationSuspended, "The organization is suspended; resume it first.").build()
}

pub(in crate::grpc) fn change_organization(error: change_organization::Error) -> Status {
    use change_organization::Error as E;
    match error {
        E::NotFound => organization_not_found(),
        E::OnOwn => {
            let message = "Nobody suspends the own organization; ask an administrator of another one.";
            refusal(ErrorReason::SelfRefused, message).build()
        }
        E::Home => {
            let message = "The organization that was made at installation stays in operation; choose another one.";
            refusal(ErrorReason::HomeOrganization, message).build()
        }
        E::NotEntitled => not_entitled(),
        E::Suspended => organization_suspended(),
        E::NotSuspended => {
            let message = "The organization is not suspended; nothing is to be resumed.";
            refusal(ErrorReason::OrganizationNotSuspended, message).build()
        }
        E::HasAdmin => {
            let message = "An administrator of the instance belongs to the organization; take that role first.";
            refusal(ErrorReason::OrganizationHasAdmin, message).build()
        }
        E::Unfinished => peer_unavailable(),
        E::NameTaken => name_taken(),
        E::EtagMismatch { current } => {
            let message = format!("The organization has changed to {current}; read it again and repeat.");
            refusal(ErrorReason::EtagMismatch, &message).metadata("etag", current).build()
        }
        E::RequestIdReused(_) => request_id_reused(),
        E::Store(error) => store(error),
    }
}

pub(super) fn name_taken() -> Status {
    let message = "The name belongs to another organization; choose another.";
    refusal(ErrorReason::OrganizationNameTaken, message).build()
}
