//! Events about compute specs.

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::domain_event::Event as Wire;

use super::texts;
use crate::domain::event::What;

/// Encodes what happened to a compute spec; of anything else, that nothing is known.
pub(super) fn encode(what: &What) -> Wire {
    match what {
        What::ComputeSpecSubmitted { name, organizations, .. } => {
            Wire::ComputeSpecSubmitted(pb::ComputeSpecSubmitted {
                name: name.as_str().to_owned(),
                organization_ids: organizations.iter().map(ToString::to_string).collect(),
            })
        }
        What::ComputeSpecReviewRequested { name, creator, datasets, owners, .. } => {
            Wire::ComputeSpecReviewRequested(pb::ComputeSpecReviewRequested {
                name: name.as_str().to_owned(),
                creator_id: creator.to_string(),
                dataset_ids: datasets.iter().map(ToString::to_string).collect(),
                owner_ids: texts(owners),
            })
        }
        What::ComputeSpecWithdrawn { name, .. } => {
            Wire::ComputeSpecWithdrawn(pb::ComputeSpecWithdrawn { name: name.as_str().to_owned() })
        }
        What::ComputeSpecReviewed { name, rejection, .. } => Wire::ComputeSpecReviewed(pb::ComputeSpecReviewed {
            name: name.as_str().to_owned(),
            decision: if rejection.is_some() { "REJECTED" } else { "APPROVED" }.to_owned(),
            reason: rejection.as_ref().map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        }),
        What::ComputeSpecPartlyApproved { name, creator, by, .. } => {
            Wire::ComputeSpecPartlyApproved(pb::ComputeSpecPartlyApproved {
                name: name.as_str().to_owned(),
                creator_id: creator.to_string(),
                reviewer_organization_id: by.to_string(),
            })
        }
        What::ComputeSpecApproved { name, creator, .. } => Wire::ComputeSpecApproved(pb::ComputeSpecApproved {
            name: name.as_str().to_owned(),
            creator_id: creator.to_string(),
        }),
        What::ComputeSpecRejected { name, creator, by, reason, .. } => {
            Wire::ComputeSpecRejected(pb::ComputeSpecRejected {
                name: name.as_str().to_owned(),
                creator_id: creator.to_string(),
                reviewer_organization_id: by.to_string(),
                reason: reason.as_str().to_owned(),
            })
        }
        What::ComputeSpecRevoked { name, creator, cause, .. } => Wire::ComputeSpecRevoked(pb::ComputeSpecRevoked {
            name: name.as_str().to_owned(),
            creator_id: creator.to_string(),
            cause: cause.name().to_owned(),
        }),
        What::ComputeSpecRunReported { name, run, state, .. } => {
            Wire::ComputeSpecRunReported(pb::ComputeSpecRunReported {
                name: name.as_str().to_owned(),
                run_id: run.as_str().to_owned(),
                state: state.name().to_owned(),
            })
        }
        What::ComputeSpecCreated { name, .. }
        | What::AssetPolicyCreated { name, .. }
        | What::AssetPolicyUpdated { name, .. }
        | What::AssetPolicyActivated { name, .. }
        | What::AssetPolicyRevoked { name, .. }
        | What::AssetPolicyDeleted { name, .. }
        | What::AssetPolicyBeneficiaryBound { name, .. }
        | What::ModelRegistered { name, .. }
        | What::ModelUpdated { new: name, .. }
        | What::ModelDeleted { name, .. }
        | What::DatasetRegistered { name, .. }
        | What::DatasetUpdated { name, .. }
        | What::DatasetDeleted { name, .. } => created(name.as_str()),
        What::ModelVersionPut { version, .. }
        | What::ModelVersionPublished { version, .. }
        | What::ModelVersionDeleted { version, .. } => created(version.as_str()),
    }
}

fn created(name: &str) -> Wire {
    Wire::ComputeSpecCreated(pb::ComputeSpecCreated { name: name.to_owned() })
}
