//! Asset policies as messages.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::timestamp;

use crate::app::change_asset_policy::Changed;
use crate::domain::asset_policy::{AssetPolicy, Beneficiary, Obligation, PrivacyControls, State};

/// A policy as it stands now.
pub(in crate::grpc) fn policy(policy: &AssetPolicy, now: Timestamp) -> pb::AssetPolicy {
    let terms = &policy.terms;
    let (state, activated, revocation) = match &policy.state {
        State::Draft => (pb::AssetPolicyState::Draft, None, None),
        State::Active { activated } => (pb::AssetPolicyState::Active, Some(*activated), None),
        State::Revoked { activated, revoked, reason } => {
            (pb::AssetPolicyState::Revoked, Some(*activated), Some((*revoked, reason)))
        }
    };
    pb::AssetPolicy {
        asset_policy_id: policy.asset_policy_id.to_string(),
        organization_id: policy.organization_id.to_string(),
        name: terms.name.as_str().to_owned(),
        dataset_ids: terms.datasets.iter().map(ToString::to_string).collect(),
        beneficiaries: terms.beneficiaries.iter().map(|known| beneficiary(policy, known)).collect(),
        model_id: terms.model_id.to_string(),
        model_version: terms.model_version.as_str().to_owned(),
        parameter_bounds: terms.bounds.as_ref().map(|bounds| bounds.as_str().to_owned()).unwrap_or_default(),
        privacy_controls: Some(controls(&terms.controls)),
        start_time: terms.window.starts.map(timestamp),
        end_time: terms.window.ends.map(timestamp),
        state: state.into(),
        in_force: policy.is_in_force(now),
        revoke_reason: revocation.map(|(_, reason)| reason.as_str().to_owned()).unwrap_or_default(),
        etag: policy.etag(),
        create_time: Some(timestamp(policy.created)),
        update_time: Some(timestamp(policy.updated)),
        activate_time: activated.map(timestamp),
        revoke_time: revocation.map(|(revoked, _)| timestamp(revoked)),
    }
}

/// A policy of a list.
pub(in crate::grpc) fn listed(listed: &AssetPolicy, now: Timestamp) -> pb::AssetPolicy {
    pb::AssetPolicy { parameter_bounds: String::new(), ..policy(listed, now) }
}

/// A draft tells nobody who has an account elsewhere.
fn beneficiary(policy: &AssetPolicy, beneficiary: &Beneficiary) -> pb::Beneficiary {
    let is_told = policy.state != State::Draft || beneficiary.is_of(policy.organization_id);
    let bond = beneficiary.bond.filter(|_| is_told);
    let state = match bond {
        None => pb::BeneficiaryState::Waiting,
        Some(bond) if bond.organization_id.is_none() => pb::BeneficiaryState::Ended,
        Some(_) => pb::BeneficiaryState::Bound,
    };
    pb::Beneficiary {
        email: beneficiary.email.as_str().to_owned(),
        state: state.into(),
        bind_time: bond.map(|bond| timestamp(bond.bound)),
    }
}

pub(super) fn controls(controls: &PrivacyControls) -> pb::PrivacyControls {
    let budget = controls.budget.map(|budget| pb::PrivacyBudget { epsilon: budget.epsilon, delta: budget.delta });
    pb::PrivacyControls {
        minimum_cohort_size: controls.minimum_cohort.unwrap_or_default(),
        privacy_budget: budget,
        output_review_required: controls.output_review,
        obligations: controls.obligations.iter().map(|name| Obligation::as_str(name).to_owned()).collect(),
    }
}

fn parts(changed: &Changed) -> (Option<pb::AssetPolicy>, String) {
    (Some(policy(&changed.policy, changed.now)), changed.revision.to_string())
}

pub(in crate::grpc) fn created(changed: &Changed) -> pb::CreateAssetPolicyResponse {
    let (asset_policy, revision) = parts(changed);
    pb::CreateAssetPolicyResponse { asset_policy, revision }
}

pub(in crate::grpc) fn updated(changed: &Changed) -> pb::UpdateAssetPolicyResponse {
    let (asset_policy, revision) = parts(changed);
    pb::UpdateAssetPolicyResponse { asset_policy, revision }
}

pub(in crate::grpc) fn activated(changed: &Changed) -> pb::ActivateAssetPolicyResponse {
    let (asset_policy, revision) = parts(changed);
    pb::ActivateAssetPolicyResponse { asset_policy, revision }
}

pub(in crate::grpc) fn revoked(changed: &Changed) -> pb::RevokeAssetPolicyResponse {
    let (asset_policy, revision) = parts(changed);
    pb::RevokeAssetPolicyResponse { asset_policy, revision }
}

pub(in crate::grpc) fn deleted(changed: &Changed) -> pb::DeleteAssetPolicyResponse {
    pb::DeleteAssetPolicyResponse { revision: changed.revision.to_string() }
}
