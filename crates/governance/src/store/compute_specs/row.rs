//! Rows of a spec, read and written.

use std::collections::BTreeMap;

use rolecall_kernel::id::{AssetPolicyId, ComputeSpecId, DatasetId, ModelId, OrganizationId, UserId};
use rolecall_kernel::text::{Reason, ResourceName};
use rolecall_kernel::time::Timestamp;
use sea_orm::{DbErr, Set};
use uuid::Uuid;

use crate::domain::compute_spec::{Cause, ComputeSpec, Parameters, Part, State, Verdict};
use crate::domain::model::VersionName;
use crate::store::corrupt;
use crate::store::entity::compute_spec::{ActiveModel, Model as Row};
use crate::store::entity::{compute_spec_dataset as dataset, compute_spec_part as part};

fn verdict(row: &part::Model) -> Result<Verdict, DbErr> {
    let decided = || row.decided.map(Timestamp::from_micros).ok_or_else(|| corrupt("time of a decision"));
    match row.verdict.as_str() {
        "WAITING" => Ok(Verdict::Waiting),
        "APPROVED" => Ok(Verdict::Approved { decided: decided()? }),
        "REJECTED" => {
            let reason = Reason::parse(row.reason.as_deref().unwrap_or_default());
            Ok(Verdict::Rejected { decided: decided()?, reason: reason.map_err(|_| corrupt("reason of a rejection"))? })
        }
        _ => Err(corrupt("decision")),
    }
}

/// Reads a spec from all of its rows.
pub(super) fn from_rows(row: &Row, parts: &[part::Model], touched: &[dataset::Model]) -> Result<ComputeSpec, DbErr> {
    let read = |part: &part::Model| -> Result<Part, DbErr> {
        let own = touched.iter().filter(|dataset| dataset.organization_id == part.organization_id);
        let pinned =
            own.map(|row| (DatasetId::from_uuid(row.dataset_id), row.asset_policy_id.map(AssetPolicyId::from_uuid)));
        let datasets: BTreeMap<_, _> = pinned.collect();
        Ok(Part { organization_id: OrganizationId::from_uuid(part.organization_id), datasets, verdict: verdict(part)? })
    };
    let mut parts = parts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    parts.sort_by_key(|part| part.organization_id);
    let cause = row.cause.as_deref().map(|name| Cause::parse(name).ok_or_else(|| corrupt("cause of a revocation")));
    Ok(ComputeSpec {
        compute_spec_id: ComputeSpecId::from_uuid(row.compute_spec_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        creator: UserId::from_uuid(row.creator_id),
        name: ResourceName::parse(&row.name).map_err(|_| corrupt("name of a spec"))?,
        model_id: ModelId::from_uuid(row.model_id),
        model_version: VersionName::parse(&row.model_version).map_err(|_| corrupt("name of a version"))?,
        parameters: Parameters::stored(row.parameters.clone()),
        parts,
        state: State::parse(&row.state).ok_or_else(|| corrupt("state of a spec"))?,
        cause: cause.transpose()?,
        submitted: row.submitted.map(Timestamp::from_micros),
        ended: row.ended.map(Timestamp::from_micros),
        expires: row.expires.map(Timestamp::from_micros),
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
    })
}

/// Writes the row of a spec.
pub(super) fn to_row(spec: &ComputeSpec) -> ActiveModel {
    ActiveModel {
        compute_spec_id: Set(spec.compute_spec_id.as_uuid()),
        organization_id: Set(spec.organization_id.as_uuid()),
        creator_id: Set(spec.creator.as_uuid()),
        name: Set(spec.name.as_str().to_owned()),
        model_id: Set(spec.model_id.as_uuid()),
        model_version: Set(spec.model_version.as_str().to_owned()),
        parameters: Set(spec.parameters.as_str().to_owned()),
        state: Set(spec.state.name().to_owned()),
        cause: Set(spec.cause.map(|cause| cause.name().to_owned())),
        submitted: Set(spec.submitted.map(Timestamp::as_micros)),
        ended: Set(spec.ended.map(Timestamp::as_micros)),
        expires: Set(spec.expires.map(Timestamp::as_micros)),
        version: Set(spec.version),
        created: Set(spec.created.as_micros()),
        updated: Set(spec.updated.as_micros()),
    }
}

/// Writes the row of a part.
pub(super) fn to_part(spec: Uuid, part: &Part) -> part::ActiveModel {
    let (verdict, decided, reason) = match &part.verdict {
        Verdict::Waiting => ("WAITING", None, None),
        Verdict::Approved { decided } => ("APPROVED", Some(*decided), None),
        Verdict::Rejected { decided, reason } => ("REJECTED", Some(*decided), Some(reason.as_str().to_owned())),
    };
    part::ActiveModel {
        compute_spec_id: Set(spec),
        organization_id: Set(part.organization_id.as_uuid()),
        verdict: Set(verdict.to_owned()),
        decided: Set(decided.map(Timestamp::as_micros)),
        reason: Set(reason),
    }
}
