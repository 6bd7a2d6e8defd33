//! Revokes compute specs that stood on something that ended.

use rolecall_db::Tx;
use rolecall_kernel::id::{DatasetId, SubjectId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{self, AccessChange, Origin};

use super::App;
use crate::domain::asset_policy::{AssetPolicy, Beneficiary, State};
use crate::domain::compute_spec::{Cause, ComputeSpec};
use crate::domain::event::What;
use crate::store::{asset_policies, compute_specs};

/// Whose access changed, and with which revision; for this process to obey once it is committed.
pub(crate) type Ended = Vec<(SubjectId, i64)>;

/// Ends, in the transaction that changes a policy, what stands on it and does not any more.
pub(super) async fn follow_policy(
    app: &App,
    tx: &Tx,
    (before, after): (&AssetPolicy, &AssetPolicy),
    origin: &Origin,
    now: Timestamp,
) -> Result<Ended, rolecall_db::Error> {
    let is_same = |one: &AssetPolicy, other: &AssetPolicy| {
        let (one, other) = (&one.terms, &other.terms);
        one.datasets == other.datasets && one.beneficiaries == other.beneficiaries && one.window == other.window
    };
    if before.state == State::Draft || (before.state == after.state && is_same(before, after)) {
        return Ok(Vec::new());
    }
    let mut ended = Vec::new();
    for spec in compute_specs::list_standing_on_policy(tx, before.asset_policy_id).await? {
        match cause(before, after, &spec, now) {
            Some(cause) => ended.extend(revoke(app, tx, &spec, cause, origin, now).await?),
            None => expire_anew(tx, &spec, now).await?,
        }
    }
    Ok(ended)
}

/// Why a spec does not stand on a policy any more.
fn cause(before: &AssetPolicy, after: &AssetPolicy, spec: &ComputeSpec, now: Timestamp) -> Option<Cause> {
    let mut needed = spec.pins().filter(|(_, pin)| *pin == Some(after.asset_policy_id)).map(|(dataset, _)| dataset);
    let names_creator = after.terms.beneficiaries.iter().filter_map(Beneficiary::user).any(|id| id == spec.creator);
    // What has expired stays so, whoever moves the end of the policy afterwards.
    if before.terms.window.is_over(now) || spec.cause_at(now).is_some() {
        Some(Cause::PolicyExpired)
    } else if !matches!(after.state, State::Active { .. }) {
        Some(Cause::PolicyRevoked)
    } else if after.terms.window.is_over(now) {
        Some(Cause::PolicyExpired)
    } else if !names_creator || needed.any(|dataset| !after.terms.datasets.contains(&dataset)) {
        Some(Cause::PolicyNarrowed)
    } else {
        None
    }
}

/// Moves the end of a spec with that of its policy.
async fn expire_anew(tx: &Tx, spec: &ComputeSpec, now: Timestamp) -> Result<(), rolecall_db::Error> {
    let policies: Vec<_> = spec.pins().filter_map(|(_, pin)| pin).collect();
    let expires = asset_policies::list_ends(tx, &policies).await?.into_iter().flatten().min();
    if expires == spec.expires {
        return Ok(());
    }
    let moved = ComputeSpec { expires, version: spec.version + 1, updated: now, ..spec.clone() };
    compute_specs::end(tx, spec, &moved).await
}

/// Ends, in the transaction that deletes a dataset, what stands on it.
pub(super) async fn follow_dataset(
    app: &App,
    tx: &Tx,
    dataset: DatasetId,
    origin: &Origin,
    now: Timestamp,
) -> Result<Ended, rolecall_db::Error> {
    let mut ended = Vec::new();
    for spec in compute_specs::list_standing_on_dataset(tx, dataset).await? {
        ended.extend(revoke(app, tx, &spec, Cause::DatasetDeleted, origin, now).await?);
    }
    Ok(ended)
}

/// Ends what stands on something that ended by itself or among people, and returns how many there were.
pub(crate) async fn sweep(app: &App) -> Result<usize, rolecall_db::Error> {
    let now = app.now();
    let write = |tx: Tx| async move {
        // Nobody else changes what is read from here on.
        ground::advance(&tx).await?;
        let mut ended = Vec::new();
        for (cause, spec) in compute_specs::list_gone(&tx, now).await? {
            ended.extend(revoke(app, &tx, &spec, cause, &Origin::default(), now).await?);
        }
        Ok::<_, rolecall_db::Error>(ended)
    };
    if compute_specs::list_gone(&app.database.reader(), now).await?.is_empty() {
        return Ok(0);
    }
    let ended = app.database.write(write).await?;
    obey(app, &ended);
    Ok(ended.len())
}

/// Revokes a spec under a revision of its own.
async fn revoke(
    app: &App,
    tx: &Tx,
    before: &ComputeSpec,
    cause: Cause,
    origin: &Origin,
    now: Timestamp,
) -> Result<Option<(SubjectId, i64)>, rolecall_db::Error> {
    let mut after = before.clone();
    if !after.revoke(cause, now) {
        return Ok(None);
    }
    let revision = ground::advance(tx).await?;
    compute_specs::end(tx, before, &after).await?;
    let (compute_spec_id, name, creator) = (after.compute_spec_id, after.name.clone(), after.creator);
    let what = What::ComputeSpecRevoked { compute_spec_id, name, creator, cause };
    // Who acted in another organization is nothing for that of the creator.
    let origin = Origin { actor: None, ..origin.clone() };
    let (subject_id, organization_id) = (creator.into(), Some(after.organization_id));
    let change = AccessChange { revision, subject_id, organization_id, what: what.topic(), occurred: now };
    ground::record(tx, &change, &origin).await?;
    app.tell(tx, &origin, after.organization_id, now, what).await?;
    Ok(Some((subject_id, revision)))
}

/// Makes this process obey that specs ended.
pub(crate) fn obey(app: &App, ended: &Ended) {
    for (subject, revision) in ended {
        app.announce(*subject, *revision);
    }
}
