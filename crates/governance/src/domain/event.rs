//! What happened to governed resources.

use rolecall_kernel::id::{AssetPolicyId, ComputeSpecId, DatasetId, ModelId, OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::{Reason, ResourceName};

use super::compute_spec::{Cause, RunName, RunState};
use super::model::VersionName;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    AssetPolicyCreated {
        asset_policy_id: AssetPolicyId,
        name: ResourceName,
        bound: Vec<UserId>,
    },
    AssetPolicyUpdated {
        asset_policy_id: AssetPolicyId,
        name: ResourceName,
        fields: Vec<&'static str>,
        bound: Vec<UserId>,
        /// Who is a beneficiary of the active policy no longer.
        removed: Vec<UserId>,
    },
    AssetPolicyActivated {
        asset_policy_id: AssetPolicyId,
        name: ResourceName,
        beneficiaries: Vec<UserId>,
    },
    AssetPolicyRevoked {
        asset_policy_id: AssetPolicyId,
        name: ResourceName,
        reason: Reason,
        beneficiaries: Vec<UserId>,
    },
    AssetPolicyDeleted {
        asset_policy_id: AssetPolicyId,
        name: ResourceName,
    },
    AssetPolicyBeneficiaryBound {
        asset_policy_id: AssetPolicyId,
        user_id: UserId,
        name: ResourceName,
        /// Whether the policy is active and has not ended.
        opens: bool,
    },
    ComputeSpecCreated {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
    },
    ComputeSpecSubmitted {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        organizations: Vec<OrganizationId>,
    },
    ComputeSpecReviewRequested {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        creator: UserId,
        datasets: Vec<DatasetId>,
        owners: Vec<UserId>,
    },
    ComputeSpecWithdrawn {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
    },
    ComputeSpecReviewed {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        /// Why it was rejected; none when it was approved.
        rejection: Option<Reason>,
    },
    ComputeSpecPartlyApproved {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        creator: UserId,
        by: OrganizationId,
    },
    ComputeSpecApproved {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        creator: UserId,
    },
    ComputeSpecRejected {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        creator: UserId,
        by: OrganizationId,
        reason: Reason,
    },
    ComputeSpecRevoked {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        creator: UserId,
        cause: Cause,
    },
    ComputeSpecRunReported {
        compute_spec_id: ComputeSpecId,
        name: ResourceName,
        run: RunName,
        state: RunState,
    },
    ModelRegistered {
        model_id: ModelId,
        name: ResourceName,
    },
    ModelUpdated {
        model_id: ModelId,
        old: ResourceName,
        new: ResourceName,
    },
    ModelDeleted {
        model_id: ModelId,
        name: ResourceName,
    },
    ModelVersionPut {
        model_id: ModelId,
        version: VersionName,
    },
    ModelVersionPublished {
        model_id: ModelId,
        version: VersionName,
        artifact_digest: String,
    },
    ModelVersionDeleted {
        model_id: ModelId,
        version: VersionName,
    },
    DatasetRegistered {
        dataset_id: DatasetId,
        name: ResourceName,
        registrant: SubjectId,
    },
    DatasetUpdated {
        dataset_id: DatasetId,
        name: ResourceName,
        fields: Vec<&'static str>,
        old: SubjectId,
        new: SubjectId,
    },
    DatasetDeleted {
        dataset_id: DatasetId,
        name: ResourceName,
        registrant: SubjectId,
    },
}

impl What {
    /// The topic of the proof that a policy waited for.
    pub(crate) const BENEFICIARY_BOUND: &'static str = "organization.asset_policy_beneficiary_bound";

    /// Returns the topic.
    pub(crate) const fn topic(&self) -> &'static str {
        match self {
            Self::AssetPolicyCreated { .. } => "organization.asset_policy_created",
            Self::AssetPolicyUpdated { .. } => "organization.asset_policy_updated",
            Self::AssetPolicyActivated { .. } => "organization.asset_policy_activated",
            Self::AssetPolicyRevoked { .. } => "organization.asset_policy_revoked",
            Self::AssetPolicyDeleted { .. } => "organization.asset_policy_deleted",
            Self::AssetPolicyBeneficiaryBound { .. } => Self::BENEFICIARY_BOUND,
            Self::ComputeSpecCreated { .. } => "organization.compute_spec_created",
            Self::ComputeSpecSubmitted { .. } => "organization.compute_spec_submitted",
            Self::ComputeSpecReviewRequested { .. } => "organization.compute_spec_review_requested",
            Self::ComputeSpecWithdrawn { .. } => "organization.compute_spec_withdrawn",
            Self::ComputeSpecReviewed { .. } => "organization.compute_spec_reviewed",
            Self::ComputeSpecPartlyApproved { .. } => "organization.compute_spec_partly_approved",
            Self::ComputeSpecApproved { .. } => "organization.compute_spec_approved",
            Self::ComputeSpecRejected { .. } => "organization.compute_spec_rejected",
            Self::ComputeSpecRevoked { .. } => "organization.compute_spec_revoked",
            Self::ComputeSpecRunReported { .. } => "organization.compute_spec_run_reported",
            Self::ModelRegistered { .. } => "organization.model_registered",
            Self::ModelUpdated { .. } => "organization.model_updated",
            Self::ModelDeleted { .. } => "organization.model_deleted",
            Self::ModelVersionPut { .. } => "organization.model_version_put",
            Self::ModelVersionPublished { .. } => "organization.model_version_published",
            Self::ModelVersionDeleted { .. } => "organization.model_version_deleted",
            Self::DatasetRegistered { .. } => "organization.dataset_registered",
            Self::DatasetUpdated { .. } => "organization.dataset_updated",
            Self::DatasetDeleted { .. } => "organization.dataset_deleted",
        }
    }

    /// Returns the resource that it happened to.
    pub(crate) const fn target(&self) -> SubjectId {
        match self {
            Self::AssetPolicyCreated { asset_policy_id, .. }
            | Self::AssetPolicyUpdated { asset_policy_id, .. }
            | Self::AssetPolicyActivated { asset_policy_id, .. }
            | Self::AssetPolicyRevoked { asset_policy_id, .. }
            | Self::AssetPolicyDeleted { asset_policy_id, .. } => SubjectId::from_uuid(asset_policy_id.as_uuid()),
            Self::ComputeSpecCreated { compute_spec_id, .. }
            | Self::ComputeSpecSubmitted { compute_spec_id, .. }
            | Self::ComputeSpecReviewRequested { compute_spec_id, .. }
            | Self::ComputeSpecWithdrawn { compute_spec_id, .. }
            | Self::ComputeSpecReviewed { compute_spec_id, .. }
            | Self::ComputeSpecPartlyApproved { compute_spec_id, .. }
            | Self::ComputeSpecApproved { compute_spec_id, .. }
            | Self::ComputeSpecRejected { compute_spec_id, .. }
            | Self::ComputeSpecRevoked { compute_spec_id, .. }
            | Self::ComputeSpecRunReported { compute_spec_id, .. } => SubjectId::from_uuid(compute_spec_id.as_uuid()),
            // What is told of a person is erased with it.
            Self::AssetPolicyBeneficiaryBound { user_id, .. } => SubjectId::from_uuid(user_id.as_uuid()),
            Self::DatasetRegistered { dataset_id, .. }
            | Self::DatasetUpdated { dataset_id, .. }
            | Self::DatasetDeleted { dataset_id, .. } => SubjectId::from_uuid(dataset_id.as_uuid()),
            Self::ModelRegistered { model_id, .. }
            | Self::ModelUpdated { model_id, .. }
            | Self::ModelDeleted { model_id, .. }
            | Self::ModelVersionPut { model_id, .. }
            | Self::ModelVersionPublished { model_id, .. }
            | Self::ModelVersionDeleted { model_id, .. } => SubjectId::from_uuid(model_id.as_uuid()),
        }
    }
}
