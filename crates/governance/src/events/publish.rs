//! Domain events as the other contexts read them.

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::domain_event::Event as Wire;
use rolecall_db::{Consumer, Error, Tx};
use rolecall_kernel::id::{EventId, OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{self, NOTIFICATION, ORGANIZATION, Origin, Told};

use crate::domain::event::What;

/// Writes the event into the outbox, in the transaction of the change that it tells.
pub(crate) async fn append(
    tx: &Tx,
    event_id: EventId,
    origin: &Origin,
    organization_id: OrganizationId,
    occurred: Timestamp,
    what: &What,
) -> Result<(), Error> {
    let told = Told {
        event_id,
        origin,
        organization_id: Some(organization_id),
        occurred,
        topic: what.topic(),
        target: Some(what.target()),
        event: encode(what),
        order: what.target().to_string(),
    };
    ground::tell(tx, told, consumers(what)).await
}

/// Whether somebody is mailed beside the audit log.
const fn told(somebody: bool) -> &'static [Consumer] {
    if somebody { &[ORGANIZATION, NOTIFICATION] } else { &[ORGANIZATION] }
}

fn texts(users: &[UserId]) -> Vec<String> {
    users.iter().map(ToString::to_string).collect()
}

/// The audit log is told everything, the others what concerns them.
fn consumers(what: &What) -> &'static [Consumer] {
    match what {
        What::AssetPolicyActivated { beneficiaries, .. } | What::AssetPolicyRevoked { beneficiaries, .. } => {
            told(!beneficiaries.is_empty())
        }
        What::AssetPolicyUpdated { removed, .. } => told(!removed.is_empty()),
        What::AssetPolicyBeneficiaryBound { opens, .. } => told(*opens),
        What::ComputeSpecReviewRequested { owners, .. } => told(!owners.is_empty()),
        What::ComputeSpecPartlyApproved { .. }
        | What::ComputeSpecApproved { .. }
        | What::ComputeSpecRejected { .. }
        | What::ComputeSpecRevoked { .. } => told(true),
        What::AssetPolicyCreated { .. }
        | What::AssetPolicyDeleted { .. }
        | What::ComputeSpecCreated { .. }
        | What::ComputeSpecSubmitted { .. }
        | What::ComputeSpecWithdrawn { .. }
        | What::ComputeSpecReviewed { .. }
        | What::ComputeSpecRunReported { .. }
        | What::ModelRegistered { .. }
        | What::ModelUpdated { .. }
        | What::ModelDeleted { .. }
        | What::ModelVersionPut { .. }
        | What::ModelVersionPublished { .. }
        | What::ModelVersionDeleted { .. }
        | What::DatasetRegistered { .. }
        | What::DatasetUpdated { .. }
        | What::DatasetDeleted { .. } => &[ORGANIZATION],
    }
}

#[expect(clippy::too_many_lines, reason = "a table, which is looked up and not read aloud")]
fn encode(what: &What) -> Wire {
    match what {
        What::AssetPolicyCreated { name, bound, .. } => {
            Wire::AssetPolicyCreated(pb::AssetPolicyCreated { name: name.as_str().to_owned(), bound_ids: texts(bound) })
        }
        What::AssetPolicyUpdated { name, fields, bound, removed, .. } => {
            Wire::AssetPolicyUpdated(pb::AssetPolicyUpdated {
                name: name.as_str().to_owned(),
                fields: fields.iter().map(|field| (*field).to_owned()).collect(),
                bound_ids: texts(bound),
                removed_ids: texts(removed),
            })
        }
        What::AssetPolicyActivated { name, beneficiaries, .. } => {
            Wire::AssetPolicyActivated(pb::AssetPolicyActivated {
                name: name.as_str().to_owned(),
                beneficiary_ids: texts(beneficiaries),
            })
        }
        What::AssetPolicyRevoked { name, reason, beneficiaries, .. } => {
            Wire::AssetPolicyRevoked(pb::AssetPolicyRevoked {
                name: name.as_str().to_owned(),
                reason: reason.as_str().to_owned(),
                beneficiary_ids: texts(beneficiaries),
            })
        }
        What::AssetPolicyDeleted { name, .. } => {
            Wire::AssetPolicyDeleted(pb::AssetPolicyDeleted { name: name.as_str().to_owned() })
        }
        What::AssetPolicyBeneficiaryBound { asset_policy_id, name, opens, .. } => {
            Wire::AssetPolicyBeneficiaryBound(pb::AssetPolicyBeneficiaryBound {
                asset_policy_id: asset_policy_id.to_string(),
                name: name.as_str().to_owned(),
                opens: *opens,
            })
        }
        What::ComputeSpecCreated { name, .. } => {
            Wire::ComputeSpecCreated(pb::ComputeSpecCreated { name: name.as_str().to_owned() })
        }
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
        What::ModelRegistered { name, .. } => {
            Wire::ModelRegistered(pb::ModelRegistered { name: name.as_str().to_owned() })
        }
        What::ModelUpdated { old, new, .. } => Wire::ModelUpdated(pb::ModelUpdated {
            old_name: old.as_str().to_owned(),
            new_name: new.as_str().to_owned(),
        }),
        What::ModelDeleted { name, .. } => Wire::ModelDeleted(pb::ModelDeleted { name: name.as_str().to_owned() }),
        What::ModelVersionPut { version, .. } => {
            Wire::ModelVersionPut(pb::ModelVersionPut { version_name: version.as_str().to_owned() })
        }
        What::ModelVersionPublished { version, artifact_digest, .. } => {
            Wire::ModelVersionPublished(pb::ModelVersionPublished {
                version_name: version.as_str().to_owned(),
                artifact_digest: artifact_digest.clone(),
            })
        }
        What::DatasetRegistered { name, registrant, .. } => Wire::DatasetRegistered(pb::DatasetRegistered {
            name: name.as_str().to_owned(),
            registrant_id: registrant.to_string(),
        }),
        What::DatasetUpdated { name, fields, old, new, .. } => Wire::DatasetUpdated(pb::DatasetUpdated {
            name: name.as_str().to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            old_registrant_id: old.to_string(),
            new_registrant_id: new.to_string(),
        }),
        What::DatasetDeleted { name, registrant, .. } => Wire::DatasetDeleted(pb::DatasetDeleted {
            name: name.as_str().to_owned(),
            registrant_id: registrant.to_string(),
        }),
        What::ModelVersionDeleted { version, .. } => {
            Wire::ModelVersionDeleted(pb::ModelVersionDeleted { version_name: version.as_str().to_owned() })
        }
    }
}
