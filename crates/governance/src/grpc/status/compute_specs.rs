//! Refusals about compute specs.

use rolecall_api::organization::v1::ErrorReason;
use rolecall_organization::ground::{invalid, organization_not_found, refusal, request_id_reused, store};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{etag_mismatch, refused};
use crate::app::change_compute_spec::{Error, Limit};
use crate::app::standing::Unknown;
use crate::domain::compute_spec::{MAX_A_DAY, MAX_OPEN, MAX_RUNS, MAX_TOUCHING, ReviewError, RunError, StateError};
use rolecall_kernel::id::DatasetId;

/// The same bytes for what does not exist and for what the caller may not see.
pub(in crate::grpc) fn not_found() -> Status {
    let message =
        "No such compute spec; check the id, and whether it is yours or touches datasets of your organization.";
    refusal(ErrorReason::ComputeSpecNotFound, message).build()
}

/// Why a spec stays as it is; `datasets` are those that the request names, as it names them.
pub(in crate::grpc) fn change(error: Error, datasets: &[String]) -> Status {
    match error {
        Error::NotFound => not_found(),
        Error::OrganizationNotFound => organization_not_found(),
        Error::ReadOnly => {
            let message = "You may read this compute spec and not do this to it; its creator, or an owner whose datasets it \
                           touches, may.";
            refusal(ErrorReason::ActorNotEntitled, message).build()
        }
        Error::EtagMismatch { current } => etag_mismatch("compute spec", current),
        Error::Unknown(unknown) => self::unknown(&unknown, datasets),
        Error::Uncovered(datasets) => uncovered(&datasets),
        Error::LimitReached(limit) => limit_reached(limit),
        Error::State(error) => state(error),
        Error::Review(error) => review(error),
        Error::NotApproved => {
            let message = "Only an approved compute spec is run; read it for where it stands.";
            refusal(ErrorReason::ComputeSpecNotApproved, message).build()
        }
        Error::Run(RunError::Ended) => {
            let message =
                "The run has come to its end and stays as it was reported; report another under a name of its own.";
            refusal(ErrorReason::ComputeSpecRunEnded, message).build()
        }
        Error::Refused(error) => refused(error),
        Error::RequestIdReused(_) => request_id_reused(),
        Error::Store(error) => store(error),
    }
}

/// Tells the places of what may not be named, and not what it is: what is hidden is answered as what does not exist.
fn unknown(unknown: &Unknown, datasets: &[String]) -> Status {
    let mut violations = Violations::default();
    let is_unknown = |text: &String| unknown.datasets.iter().any(|id| id.to_string() == *text);
    for (index, _) in datasets.iter().enumerate().filter(|(_, text)| is_unknown(text)) {
        let field = format!("compute_spec.dataset_ids[{index}]");
        violations.push(&field, "DATASET_UNKNOWN", "must be a dataset that you may view");
    }
    if unknown.model {
        let what = "must be a model of your organization, or one that a policy names to you for these datasets";
        violations.push("compute_spec.model_id", "MODEL_UNKNOWN", what);
    }
    if unknown.version {
        let what = "must be a published version of the model";
        violations.push("compute_spec.model_version", "VERSION_NOT_PUBLISHED", what);
    }
    if let Some(problem) = &unknown.parameters {
        let what = format!("must fulfil the parameter schema of the version: {problem}");
        violations.push("compute_spec.parameters", "PARAMETERS_UNFIT", what);
    }
    invalid(violations)
}

fn uncovered(datasets: &[DatasetId]) -> Status {
    if datasets.is_empty() {
        let message = "What the compute spec stood on does not hold now; its creator submits another.";
        return refusal(ErrorReason::ComputeSpecUncovered, message).build();
    }
    let ids: Vec<String> = datasets.iter().map(ToString::to_string).collect();
    let ids = ids.join(", ");
    let message = format!(
        "No asset policy in force allows you this model version with these parameters on {ids}; ask the owners of these \
         datasets for one."
    );
    refusal(ErrorReason::ComputeSpecUncovered, &message).metadata("dataset_ids", ids).build()
}

fn limit_reached(limit: Limit) -> Status {
    let (subject, most, message) = match limit {
        Limit::Open => {
            ("creator", MAX_OPEN, format!("You have {MAX_OPEN} compute specs that have not ended; withdraw some."))
        }
        Limit::Day => {
            ("creator", MAX_A_DAY, format!("You created {MAX_A_DAY} compute specs within a day; repeat later."))
        }
        Limit::Touching => {
            let message =
                format!("An organization has {MAX_TOUCHING} open compute specs on its datasets; repeat later.");
            ("organization", MAX_TOUCHING, message)
        }
        Limit::Runs => {
            ("compute spec", MAX_RUNS, format!("A compute spec has {MAX_RUNS} runs at most; create another spec."))
        }
    };
    refusal(ErrorReason::ComputeSpecLimitReached, &message)
        .metadata("limit", most.to_string())
        .quota(subject, format!("{most} at most"))
        .build()
}

fn state(error: StateError) -> Status {
    let (reason, message) = match error {
        StateError::NotDraft => {
            (ErrorReason::ComputeSpecNotDraft, "Only a draft is submitted, and this was before; create another.")
        }
        StateError::Ended => (ErrorReason::ComputeSpecEnded, "The compute spec has ended and stays as it is."),
    };
    refusal(reason, message).build()
}

fn review(error: ReviewError) -> Status {
    match error {
        ReviewError::NoPart => not_found(),
        ReviewError::NotUnderReview => {
            let message = "The compute spec is not under review; read it for where it stands.";
            refusal(ErrorReason::ComputeSpecNotUnderReview, message).build()
        }
    }
}
