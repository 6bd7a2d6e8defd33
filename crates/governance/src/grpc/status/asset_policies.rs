//! Refusals about asset policies.

use std::time::Duration;

use rolecall_api::organization::v1::ErrorReason;
use rolecall_organization::ground::{invalid, organization_not_found, refusal, request_id_reused, store};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::refused;
use crate::app::beneficiaries::AskError;
use crate::app::change_asset_policy::{Error, Lacking};
use crate::domain::asset_policy::{ChangeError, MAX_POLICIES, StateError, Undisclosed};

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The same bytes for what does not exist and for what the caller may not see.
pub(in crate::grpc) fn not_found() -> Status {
    let message = "No such asset policy; check the id, and whether it belongs to your organization.";
    refusal(ErrorReason::AssetPolicyNotFound, message).build()
}

/// Why a policy stays as it is; `datasets` are those that the request names, as it names them.
pub(in crate::grpc) fn change(error: Error, datasets: &[String]) -> Status {
    match error {
        Error::NotFound => not_found(),
        Error::OrganizationNotFound => organization_not_found(),
        Error::EtagMismatch { current } => {
            let message = format!("The asset policy has changed to {current}; read it again and repeat.");
            refusal(ErrorReason::EtagMismatch, &message).metadata("etag", current).build()
        }
        Error::Lacking(lacking) => self::lacking(&lacking, datasets),
        Error::Incomplete(lacking) => incomplete(&lacking),
        Error::LimitReached => {
            let message =
                format!("An organization has {MAX_POLICIES} asset policies at most; delete drafts or revoked ones.");
            refusal(ErrorReason::AssetPolicyLimitReached, &message)
                .metadata("limit", MAX_POLICIES.to_string())
                .quota("organization", format!("{MAX_POLICIES} asset policies"))
                .build()
        }
        Error::Undisclosed(Undisclosed { wait, .. }) => {
            let message = "The activation would show which beneficiaries have accounts in other organizations, and within a \
                           day that is shown of 100; repeat it later.";
            refusal(ErrorReason::BeneficiaryLimitReached, message).retry_after(wait).build()
        }
        Error::Change(error) => changed(error),
        Error::State(error) => state(error),
        Error::Refused(error) => refused(error),
        Error::Ask(AskError::Unavailable(error)) => {
            let message = "Another service that this needs is out of reach; repeat the call with the same request id.";
            refusal(ErrorReason::PeerUnavailable, message).retry_after(RETRY_AFTER).source(error).build()
        }
        Error::RequestIdReused(_) => request_id_reused(),
        Error::Ask(AskError::Store(error)) | Error::Store(error) => store(error),
    }
}

/// Tells the places of what is not there, and not what it is: what others have is answered as what nobody has.
fn lacking(lacking: &Lacking, datasets: &[String]) -> Status {
    let mut violations = Violations::default();
    let is_lacking = |text: &String| lacking.datasets.iter().any(|id| id.to_string() == *text);
    for (index, _) in datasets.iter().enumerate().filter(|(_, text)| is_lacking(text)) {
        let field = format!("asset_policy.dataset_ids[{index}]");
        violations.push(&field, "DATASET_UNKNOWN", "must be a dataset of the organization");
    }
    if datasets.is_empty() && !lacking.datasets.is_empty() {
        violations.push("asset_policy.dataset_ids", "DATASET_UNKNOWN", "must be datasets of the organization");
    }
    if lacking.model {
        violations.push("asset_policy.model_id", "MODEL_UNKNOWN", "must be a model of the organization");
    }
    if lacking.version {
        let what = "must be a published version of the model";
        violations.push("asset_policy.model_version", "VERSION_NOT_PUBLISHED", what);
    }
    invalid(violations)
}

fn incomplete(lacking: &Lacking) -> Status {
    let fields = [
        ("dataset_ids", !lacking.datasets.is_empty()),
        ("model_id", lacking.model),
        ("model_version", lacking.version),
    ];
    let fields: Vec<&str> = fields.into_iter().filter(|(_, is_gone)| *is_gone).map(|(field, _)| field).collect();
    let fields = fields.join(", ");
    let message = format!("What the policy names is gone: {fields}; change these and activate it again.");
    refusal(ErrorReason::AssetPolicyIncomplete, &message).metadata("fields", fields).build()
}

fn changed(error: ChangeError) -> Status {
    match error {
        ChangeError::Revoked => state(StateError::Revoked),
        ChangeError::Widened(fields) => {
            let fields = fields.join(", ");
            let message = format!(
                "An active policy is only narrowed, and this would do something else to {fields}; create and activate \
                 another policy."
            );
            refusal(ErrorReason::AssetPolicyWidened, &message).metadata("fields", fields).build()
        }
        ChangeError::Disordered => {
            let mut violations = Violations::default();
            violations.push("asset_policy.end_time", "NOT_AFTER_START", "must be after start_time");
            invalid(violations)
        }
    }
}

fn state(error: StateError) -> Status {
    let (reason, message) = match error {
        StateError::Revoked => {
            (ErrorReason::AssetPolicyRevoked, "The asset policy is revoked for ever; create another.")
        }
        StateError::NotActive => {
            (ErrorReason::AssetPolicyNotActive, "Only an active asset policy is revoked; delete a draft instead.")
        }
        StateError::Active => (ErrorReason::AssetPolicyActive, "The asset policy is active; revoke it first."),
        StateError::Expired => {
            let message = "The end of the asset policy has passed, so it would open nothing; move its end first.";
            (ErrorReason::AssetPolicyExpired, message)
        }
    };
    refusal(reason, message).build()
}
