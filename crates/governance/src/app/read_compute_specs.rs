//! Reads compute specs, as much of them as the caller may see.

use std::collections::BTreeSet;

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{AssetPolicyId, ComputeSpecId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Position;

use super::App;
use crate::domain::asset_policy::PrivacyControls;
use crate::domain::compute_spec::{ComputeSpec, Part, Run, Sight, State, View};
use crate::store::{asset_policies, compute_specs};

pub(crate) use crate::store::compute_specs::Which;

/// How many runs are shown.
const RUNS: u64 = 20;

/// A spec with what is shown of it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) spec: ComputeSpec,
    pub(crate) view: View,
    pub(crate) now: Timestamp,
    /// What the policies demand, once it is approved.
    pub(crate) controls: Vec<(AssetPolicyId, PrivacyControls)>,
    /// The latest runs, newest first.
    pub(crate) runs: Vec<Run>,
}

impl Shown {
    /// A spec without what is kept elsewhere.
    const fn bare(spec: ComputeSpec, view: View, now: Timestamp) -> Self {
        Self { spec, view, now, controls: Vec::new(), runs: Vec::new() }
    }

    /// The policies whose demands are shown: once it is approved, those of the parts that are.
    fn demanding(&self) -> Vec<AssetPolicyId> {
        if self.view.state(&self.spec, self.now) != State::Approved {
            return Vec::new();
        }
        let pins: BTreeSet<_> = self.parts().flat_map(|part| part.datasets.values().copied().flatten()).collect();
        pins.into_iter().collect()
    }

    /// Returns the parts that are shown.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        let is_shown = |part: &&Part| match self.view {
            View::Whole => true,
            View::Part(own) => part.organization_id == own,
        };
        self.spec.parts.iter().filter(is_shown)
    }
}

/// Adds to a spec what is shown with it after a change.
pub(super) async fn show(tx: &Tx, spec: ComputeSpec, view: View, now: Timestamp) -> Result<Shown, Error> {
    let mut shown = Shown::bare(spec, view, now);
    shown.controls = asset_policies::list_controls(tx, &shown.demanding()).await?;
    if view == View::Whole {
        shown.runs = compute_specs::list_runs(tx, shown.spec.compute_spec_id, RUNS).await?;
    }
    Ok(shown)
}

/// Reads one spec that the caller sees, at least in part.
pub(crate) async fn find(app: &App, sight: &Sight, id: ComputeSpecId) -> Result<Option<Shown>, Error> {
    let reader = app.database.reader();
    let Some(spec) = compute_specs::find(&reader, sight, id).await? else { return Ok(None) };
    let Some(view) = sight.view(&spec) else { return Ok(None) };
    let mut shown = Shown::bare(spec, view, app.now());
    shown.controls = asset_policies::list_controls(&reader, &shown.demanding()).await?;
    if view == View::Whole {
        shown.runs = compute_specs::list_runs(&reader, shown.spec.compute_spec_id, RUNS).await?;
    }
    Ok(Some(shown))
}

/// Which specs to list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) sight: Sight,
    /// Where the caller belongs: that organization is known to it, whatever it sees there.
    pub(crate) own: Option<OrganizationId>,
    pub(crate) which: Which,
    pub(crate) after: Option<Position>,
    pub(crate) size: PageSize,
}

/// Lists a page of specs; `None` when the organization is not known to the caller.
pub(crate) async fn list(app: &App, list: &List, now: Timestamp) -> Result<Option<Page<Shown>>, Error> {
    let is_known = |id: OrganizationId| list.own == Some(id) || list.sight.all.includes_organization(id);
    if list.which.organization.is_some_and(|id| !is_known(id)) {
        return Ok(None);
    }
    let limit = u64::from(list.size.get()) + 1;
    let specs = compute_specs::list(&app.database.reader(), &list.sight, &list.which, list.after, limit).await?;
    let shown = specs.into_iter().filter_map(|spec| {
        let view = list.sight.view(&spec)?;
        Some(Shown::bare(spec, view, now))
    });
    Ok(Some(Page::from_overfetch(shown.collect(), list.size)))
}
