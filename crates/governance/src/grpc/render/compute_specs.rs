//! Compute specs as messages.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::AssetPolicyId;
use rolecall_organization::ground::timestamp;

use super::asset_policies::controls;
use crate::app::change_compute_spec::Changed;
use crate::app::read_compute_specs::Shown;
use crate::domain::asset_policy::PrivacyControls;
use crate::domain::compute_spec::{Cause, Part, Run, RunState, State, Verdict, View};

/// A spec, as much of it as is shown.
pub(in crate::grpc) fn spec(shown: &Shown) -> pb::ComputeSpec {
    let Shown { spec, view, now, .. } = shown;
    let cause = spec.cause_at(*now).filter(|_| *view == View::Whole);
    let expires = spec.expires.filter(|_| *view == View::Whole);
    pb::ComputeSpec {
        compute_spec_id: spec.compute_spec_id.to_string(),
        organization_id: spec.organization_id.to_string(),
        creator_id: spec.creator.to_string(),
        name: spec.name.as_str().to_owned(),
        model_id: spec.model_id.to_string(),
        model_version: spec.model_version.as_str().to_owned(),
        parameters: spec.parameters.as_str().to_owned(),
        dataset_ids: shown.parts().flat_map(|part| part.datasets.keys().map(ToString::to_string)).collect(),
        state: state(view.state(spec, *now)).into(),
        parts: shown.parts().map(part).collect(),
        obligations: shown.controls.iter().map(|(id, controls)| obligations(shown, *id, controls)).collect(),
        runs: shown.runs.iter().map(run).collect(),
        revoke_cause: cause.map_or(pb::ComputeSpecRevokeCause::Unspecified, self::cause).into(),
        etag: view.etag(spec, *now),
        create_time: Some(timestamp(spec.created)),
        update_time: Some(timestamp(view.updated(spec))),
        submit_time: spec.submitted.map(timestamp),
        expire_time: expires.map(timestamp),
    }
}

/// A spec of a list.
pub(in crate::grpc) fn listed(shown: &Shown) -> pb::ComputeSpec {
    pb::ComputeSpec { parameters: String::new(), ..spec(shown) }
}

const fn state(state: State) -> pb::ComputeSpecState {
    match state {
        State::Draft => pb::ComputeSpecState::Draft,
        State::Submitted => pb::ComputeSpecState::Submitted,
        State::PartlyApproved => pb::ComputeSpecState::PartlyApproved,
        State::Approved => pb::ComputeSpecState::Approved,
        State::Rejected => pb::ComputeSpecState::Rejected,
        State::Withdrawn => pb::ComputeSpecState::Withdrawn,
        State::Revoked => pb::ComputeSpecState::Revoked,
    }
}

const fn cause(cause: Cause) -> pb::ComputeSpecRevokeCause {
    match cause {
        Cause::PolicyRevoked => pb::ComputeSpecRevokeCause::PolicyRevoked,
        Cause::PolicyNarrowed => pb::ComputeSpecRevokeCause::PolicyNarrowed,
        Cause::PolicyExpired => pb::ComputeSpecRevokeCause::PolicyExpired,
        Cause::DatasetDeleted => pb::ComputeSpecRevokeCause::DatasetDeleted,
        Cause::OrganizationSuspended => pb::ComputeSpecRevokeCause::OrganizationSuspended,
        Cause::CreatorDeleted => pb::ComputeSpecRevokeCause::CreatorDeleted,
    }
}

fn part(part: &Part) -> pb::ComputeSpecPart {
    let (state, decided, reason) = match &part.verdict {
        Verdict::Waiting => (pb::ComputeSpecPartState::Waiting, None, None),
        Verdict::Approved { decided } => (pb::ComputeSpecPartState::Approved, Some(*decided), None),
        Verdict::Rejected { decided, reason } => (pb::ComputeSpecPartState::Rejected, Some(*decided), Some(reason)),
    };
    pb::ComputeSpecPart {
        organization_id: part.organization_id.to_string(),
        dataset_ids: part.datasets.keys().map(ToString::to_string).collect(),
        state: state.into(),
        reject_reason: reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        decide_time: decided.map(timestamp),
    }
}

fn obligations(shown: &Shown, policy: AssetPolicyId, demanded: &PrivacyControls) -> pb::ComputeSpecObligations {
    let pins = shown.parts().flat_map(|part| part.datasets.iter());
    let opened = pins.filter(|(_, pin)| **pin == Some(policy)).map(|(dataset, _)| dataset.to_string());
    pb::ComputeSpecObligations {
        asset_policy_id: policy.to_string(),
        dataset_ids: opened.collect(),
        privacy_controls: Some(controls(demanded)),
    }
}

fn run(run: &Run) -> pb::ComputeSpecRun {
    let state = match run.state {
        RunState::Running => pb::ComputeSpecRunState::Running,
        RunState::Succeeded => pb::ComputeSpecRunState::Succeeded,
        RunState::Failed => pb::ComputeSpecRunState::Failed,
        RunState::Cancelled => pb::ComputeSpecRunState::Cancelled,
    };
    pb::ComputeSpecRun {
        run_id: run.name.as_str().to_owned(),
        state: state.into(),
        detail: run.detail.clone(),
        start_time: Some(timestamp(run.started)),
        update_time: Some(timestamp(run.updated)),
    }
}

pub(in crate::grpc) fn reported(reported: &Run) -> pb::ReportComputeSpecRunResponse {
    pb::ReportComputeSpecRunResponse { run: Some(run(reported)) }
}

fn parts(changed: &Changed) -> (Option<pb::ComputeSpec>, String) {
    (Some(spec(&changed.shown)), changed.revision.to_string())
}

pub(in crate::grpc) fn created(changed: &Changed) -> pb::CreateComputeSpecResponse {
    let (compute_spec, revision) = parts(changed);
    pb::CreateComputeSpecResponse { compute_spec, revision }
}

pub(in crate::grpc) fn submitted(changed: &Changed) -> pb::SubmitComputeSpecResponse {
    let (compute_spec, revision) = parts(changed);
    pb::SubmitComputeSpecResponse { compute_spec, revision }
}

pub(in crate::grpc) fn withdrawn(changed: &Changed) -> pb::WithdrawComputeSpecResponse {
    let (compute_spec, revision) = parts(changed);
    pb::WithdrawComputeSpecResponse { compute_spec, revision }
}

pub(in crate::grpc) fn approved(changed: &Changed) -> pb::ApproveComputeSpecResponse {
    let (compute_spec, revision) = parts(changed);
    pb::ApproveComputeSpecResponse { compute_spec, revision }
}

pub(in crate::grpc) fn rejected(changed: &Changed) -> pb::RejectComputeSpecResponse {
    let (compute_spec, revision) = parts(changed);
    pb::RejectComputeSpecResponse { compute_spec, revision }
}
