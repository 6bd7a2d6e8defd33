//! What all changes of a compute spec share: what of it is seen, the lock, the etag, the revision, the events.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_db::once::{Answer, RequestIdReused};
use rolecall_kernel::id::{ComputeSpecId, DatasetId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Origin;

use super::App;
use super::change::{self, Opened, Refused};
use super::read_compute_specs::{Shown, show};
use super::standing::Unknown;
use crate::domain::compute_spec::{ComputeSpec, ReviewError, RunError, Sight, StateError, View};
use crate::domain::event::What;
use crate::store::compute_specs;

/// Why a compute spec stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such spec within what the caller may see.
    #[error("no such compute spec")]
    NotFound,
    /// The caller belongs elsewhere.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The caller may see it, and not change it so.
    #[error("the caller may read the compute spec only")]
    ReadOnly,
    /// Somebody else changed it; this is its version now.
    #[error("the compute spec has changed to {current}")]
    EtagMismatch {
        /// The etag as it is now.
        current: String,
    },
    /// It names what its creator may not name.
    #[error("the creator may not name this")]
    Unknown(Unknown),
    /// Nothing allows it on these datasets; none is named to who may not know of them.
    #[error("nothing allows the computation")]
    Uncovered(Vec<DatasetId>),
    /// There is no room for more.
    #[error("there is no room for more {0}")]
    LimitReached(Limit),
    /// Where it stands does not allow it.
    #[error(transparent)]
    State(#[from] StateError),
    /// It is not for the organization to decide.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// Only what is approved is run.
    #[error("the compute spec is not approved")]
    NotApproved,
    /// The run stays as it was reported.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Who asks, or where, does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The request id was used before with other content.
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// What there are enough of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Specs of the creator that have not ended.
    Open,
    /// Specs that the creator made within a day.
    Day,
    /// Specs that touch datasets of an organization.
    Touching,
    /// Runs of a spec.
    Runs,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open | Self::Day => "compute specs of the creator",
            Self::Touching => "compute specs on the datasets of an organization",
            Self::Runs => "runs of the compute spec",
        })
    }
}

/// Which spec a caller wants to change.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) compute_spec_id: ComputeSpecId,
    /// The right by which.
    pub(crate) permission: &'static str,
    /// Where the caller holds it.
    pub(crate) scope: Scope,
    /// What the caller may see.
    pub(crate) sight: Sight,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) origin: Origin,
}

/// A spec after a change, as the caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    pub(crate) shown: Shown,
    pub(crate) revision: i64,
}

/// Finds and locks a spec that the caller sees and knows how it is.
pub(super) async fn open(app: &App, tx: &Tx, target: &Target) -> Result<(ComputeSpec, View, Opened), Error> {
    let opened = change::open(app, tx, &target.origin).await?;
    let found = compute_specs::find_locked(tx, &target.sight, target.compute_spec_id).await?;
    let spec = found.ok_or(Error::NotFound)?;
    let view = target.sight.view(&spec).ok_or(Error::NotFound)?;
    let current = view.etag(&spec, opened.now);
    if target.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    Ok((spec, view, opened))
}

/// Checks that the actor is the creator and may use the permission on what it created.
pub(super) async fn demand_creator(
    tx: &Tx,
    opened: &Opened,
    spec: &ComputeSpec,
    permission: &str,
) -> Result<(), Error> {
    let (actor, organization) = (&opened.actor, spec.organization_id);
    if actor.subject_id() != spec.creator.into() {
        return Err(Error::ReadOnly);
    }
    let is_entitled = actor.may_if_related(permission, opened.now) || actor.may(permission, organization, opened.now);
    if !is_entitled || actor.organization_id() != Some(organization) {
        return Err(Refused::NotEntitled.into());
    }
    Ok(change::in_operation(tx, organization).await?)
}

/// Writes a change with its access change and its events; all that happened is told in its order.
pub(super) async fn finish(
    app: &App,
    tx: &Tx,
    opened: &Opened,
    facts: RowFacts,
    (before, after): (&ComputeSpec, &ComputeSpec),
    origin: &Origin,
    told: Vec<(Origin, rolecall_kernel::id::OrganizationId, What)>,
) -> Result<(), Error> {
    let scope = match (facts.organization_id, facts.subject_id) {
        (_, Some(subject)) => Scope::SelfOnly(subject),
        (Some(organization), None) => Scope::organization(organization),
        (None, None) => Scope::Nothing,
    };
    let permit = scope.permit(facts).ok_or(Error::NotFound)?;
    compute_specs::update(tx, &permit, before, after).await?;
    if let Some((_, _, what)) = told.first() {
        opened.record(tx, after.creator.into(), after.organization_id, what, origin).await?;
    }
    for (origin, organization, what) in told {
        app.tell(tx, &origin, organization, opened.now, what).await?;
    }
    Ok(())
}

/// The facts of a spec that its creator changes.
pub(super) fn created(spec: &ComputeSpec) -> RowFacts {
    RowFacts::of_subject(Some(spec.organization_id), spec.creator.into())
}

/// Returns a spec as the caller sees it after a change.
pub(super) async fn changed(
    tx: &Tx,
    spec: ComputeSpec,
    view: View,
    revision: i64,
    now: Timestamp,
) -> Result<Changed, Error> {
    Ok(Changed { shown: show(tx, spec, view, now).await?, revision })
}

/// Makes this process obey a change before it is answered.
pub(super) fn obey(app: &App, answer: &Answer<Changed>) {
    if let Answer::Fresh(changed) = answer {
        app.announce(changed.shown.spec.creator.into(), changed.revision);
    }
}
