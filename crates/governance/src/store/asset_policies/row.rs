//! A row of `asset_policies`, read and written.

use rolecall_kernel::id::{AssetPolicyId, DatasetId, ModelId, OrganizationId};
use rolecall_kernel::text::{Reason, ResourceName};
use rolecall_kernel::time::Timestamp;
use sea_orm::{DbErr, Set};

use crate::domain::asset_policy::{AssetPolicy, Obligation, PrivacyBudget, PrivacyControls, State, Terms, Window};
use crate::domain::model::VersionName;
use crate::domain::schema::ParameterSchema;
use crate::store::corrupt;
use crate::store::entity::asset_policy::{ActiveModel, Model as Row};

fn state(row: &Row) -> Result<State, DbErr> {
    let activated = || row.activated.map(Timestamp::from_micros).ok_or_else(|| corrupt("activation of a policy"));
    match row.state.as_str() {
        "DRAFT" => Ok(State::Draft),
        "ACTIVE" => Ok(State::Active { activated: activated()? }),
        "REVOKED" => {
            let reason = Reason::parse(row.revoke_reason.as_deref().unwrap_or_default());
            let revoked = row.revoked.map(Timestamp::from_micros);
            Ok(State::Revoked {
                activated: activated()?,
                revoked: revoked.ok_or_else(|| corrupt("revocation of a policy"))?,
                reason: reason.map_err(|_| corrupt("reason of a revocation"))?,
            })
        }
        _ => Err(corrupt("state of a policy")),
    }
}

fn controls(row: &Row) -> Result<PrivacyControls, DbErr> {
    let names = row.obligations.split(',').filter(|name| !name.is_empty());
    Ok(PrivacyControls {
        minimum_cohort: row.minimum_cohort,
        budget: row.epsilon.zip(row.delta).map(|(epsilon, delta)| PrivacyBudget { epsilon, delta }),
        output_review: row.output_review,
        obligations: names.map(Obligation::parse).collect::<Result<_, _>>().map_err(|_| corrupt("obligation"))?,
    })
}

/// Reads a row, without its beneficiaries.
pub(super) fn from_row(row: &Row, datasets: Vec<DatasetId>) -> Result<AssetPolicy, DbErr> {
    let bounds = Some(row.parameter_bounds.clone()).filter(|text| !text.is_empty()).map(ParameterSchema::stored);
    Ok(AssetPolicy {
        asset_policy_id: AssetPolicyId::from_uuid(row.asset_policy_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        terms: Terms {
            name: ResourceName::parse(&row.name).map_err(|_| corrupt("name of a policy"))?,
            datasets,
            beneficiaries: Vec::new(),
            model_id: ModelId::from_uuid(row.model_id),
            model_version: VersionName::parse(&row.model_version).map_err(|_| corrupt("name of a version"))?,
            bounds,
            controls: controls(row)?,
            window: Window {
                starts: row.starts.map(Timestamp::from_micros),
                ends: row.ends.map(Timestamp::from_micros),
            },
        },
        state: state(row)?,
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
    })
}

/// Writes a row.
pub(super) fn to_row(policy: &AssetPolicy) -> ActiveModel {
    let (terms, controls) = (&policy.terms, &policy.terms.controls);
    let (activated, revocation) = match &policy.state {
        State::Draft => (None, None),
        State::Active { activated } => (Some(*activated), None),
        State::Revoked { activated, revoked, reason } => (Some(*activated), Some((*revoked, reason))),
    };
    let obligations: Vec<&str> = controls.obligations.iter().map(Obligation::as_str).collect();
    ActiveModel {
        asset_policy_id: Set(policy.asset_policy_id.as_uuid()),
        organization_id: Set(policy.organization_id.as_uuid()),
        name: Set(terms.name.as_str().to_owned()),
        model_id: Set(terms.model_id.as_uuid()),
        model_version: Set(terms.model_version.as_str().to_owned()),
        parameter_bounds: Set(terms.bounds.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default()),
        minimum_cohort: Set(controls.minimum_cohort),
        epsilon: Set(controls.budget.map(|budget| budget.epsilon)),
        delta: Set(controls.budget.map(|budget| budget.delta)),
        output_review: Set(controls.output_review),
        obligations: Set(obligations.join(",")),
        starts: Set(terms.window.starts.map(Timestamp::as_micros)),
        ends: Set(terms.window.ends.map(Timestamp::as_micros)),
        state: Set(policy.state.name().to_owned()),
        activated: Set(activated.map(Timestamp::as_micros)),
        revoked: Set(revocation.map(|(revoked, _)| revoked.as_micros())),
        revoke_reason: Set(revocation.map(|(_, reason)| reason.as_str().to_owned())),
        version: Set(policy.version),
        created: Set(policy.created.as_micros()),
        updated: Set(policy.updated.as_micros()),
    }
}
