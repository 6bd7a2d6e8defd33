//! Every error of a use case as the status that the contract names.

pub(super) mod asset_policies;
pub(super) mod compute_specs;

use rolecall_api::organization::v1::ErrorReason;
use rolecall_organization::ground::{
    not_entitled, organization_not_found, organization_suspended, refusal, request_id_reused, store,
};
use tonic::Status;

use crate::app::change::Refused;
use crate::app::{change_dataset, change_model};
use crate::domain::model::{MAX_VERSIONS, VersionError};

/// The same bytes for what does not exist and for what the caller may not see.
pub(super) fn model_not_found() -> Status {
    let message = "No such model; check the id, and whether it belongs to your organization.";
    refusal(ErrorReason::ModelNotFound, message).build()
}

fn refused(error: Refused) -> Status {
    match error {
        Refused::NotEntitled => not_entitled(),
        Refused::OrganizationSuspended => organization_suspended(),
        Refused::Store(error) => store(error),
    }
}

/// Somebody else was faster.
fn etag_mismatch(what: &str, current: String) -> Status {
    let message = format!("The {what} has changed to {current}; read it again and repeat.");
    refusal(ErrorReason::EtagMismatch, &message).metadata("etag", current).build()
}

fn version(error: VersionError) -> Status {
    match error {
        VersionError::NotFound => {
            let message = "The model has no such version; read the model for those that it has.";
            refusal(ErrorReason::ModelVersionNotFound, message).build()
        }
        VersionError::Published => {
            let message = "The version is published and stays as it is; put another version.";
            refusal(ErrorReason::ModelVersionPublished, message).build()
        }
        VersionError::Exhausted => {
            let message =
                format!("A model has {MAX_VERSIONS} versions at most; delete drafts, or register another model.");
            refusal(ErrorReason::ModelVersionsExhausted, &message)
                .metadata("limit", MAX_VERSIONS.to_string())
                .quota("model", format!("{MAX_VERSIONS} versions"))
                .build()
        }
    }
}

/// The same bytes for what does not exist and for what the caller may not see.
pub(super) fn dataset_not_found() -> Status {
    let message = "No such dataset; check the id, and whether it is open to you.";
    refusal(ErrorReason::DatasetNotFound, message).build()
}

pub(super) fn change_dataset(error: change_dataset::Error) -> Status {
    use change_dataset::Error as E;
    match error {
        E::NotFound => dataset_not_found(),
        E::ReadOnly => {
            let message = "You may read this dataset and not change it; ask an owner of its organization.";
            refusal(ErrorReason::ActorNotEntitled, message).build()
        }
        E::OrganizationNotFound => organization_not_found(),
        E::NameTaken => {
            let message = "The name belongs to another dataset of the organization; choose another.";
            refusal(ErrorReason::DatasetNameTaken, message).build()
        }
        E::RegistrantUnfit => {
            let message = "The registrant must be able to register datasets in the organization; name another.";
            refusal(ErrorReason::RegistrantUnfit, message).build()
        }
        E::EtagMismatch { current } => etag_mismatch("dataset", current),
        E::Refused(error) => refused(error),
        E::RequestIdReused(_) => request_id_reused(),
        E::Store(error) => store(error),
    }
}

pub(super) fn change_model(error: change_model::Error) -> Status {
    use change_model::Error as E;
    match error {
        E::NotFound => model_not_found(),
        E::OrganizationNotFound => organization_not_found(),
        E::NameTaken => {
            let message = "The name belongs to another model of the organization; choose another.";
            refusal(ErrorReason::ModelNameTaken, message).build()
        }
        E::EtagMismatch { current } => etag_mismatch("model", current),
        E::InUse => {
            let message = "An active asset policy or an open compute spec names the model; revoke the policies first, and \
                           wait for the specs to end.";
            refusal(ErrorReason::ModelInUse, message).build()
        }
        E::Version(error) => version(error),
        E::Refused(error) => refused(error),
        E::RequestIdReused(_) => request_id_reused(),
        E::Store(error) => store(error),
    }
}
