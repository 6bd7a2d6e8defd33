//! Creates a compute spec as a draft.

use std::collections::BTreeMap;
use std::time::Duration;

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::{ComputeSpecId, DatasetId, ModelId, OrganizationId, UserId};
use rolecall_kernel::text::ResourceName;
use rolecall_organization::ground::Origin;

use super::App;
use super::change::{self, Refused};
use super::change_compute_spec::{Changed, Error, Limit, changed, obey};
use super::standing::{self, Named, Standing, Unknown};
use crate::domain::compute_spec::{ComputeSpec, MAX_A_DAY, MAX_OPEN, Parameters, Part, State, Verdict, View};
use crate::domain::event::What;
use crate::domain::model::VersionName;
use crate::store::compute_specs;

const PERMISSION: &str = "organization.compute_specs.create";
const DAY: Duration = Duration::from_hours(24);

/// What to create.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) creator: UserId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: ResourceName,
    pub(crate) model_id: ModelId,
    pub(crate) model_version: VersionName,
    pub(crate) parameters: Parameters,
    pub(crate) datasets: Vec<DatasetId>,
    pub(crate) origin: Origin,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Creates it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { create(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    obey(app, &answer);
    Ok(answer)
}

async fn create(app: &App, tx: &Tx, command: &Command) -> Result<Changed, Error> {
    let (organization_id, origin) = (command.organization_id, &command.origin);
    let opened = change::open(app, tx, origin).await?;
    if opened.actor.organization_id() != Some(organization_id) {
        return Err(Error::OrganizationNotFound);
    }
    let (actor, now) = (&opened.actor, opened.now);
    if !(actor.may_if_related(PERMISSION, now) || actor.may(PERMISSION, organization_id, now)) {
        return Err(Refused::NotEntitled.into());
    }
    change::in_operation(tx, organization_id).await?;
    let (open, recent) = compute_specs::count_of(tx, command.creator, now.minus(DAY)).await?;
    if open >= MAX_OPEN {
        return Err(Error::LimitReached(Limit::Open));
    }
    if recent >= MAX_A_DAY {
        return Err(Error::LimitReached(Limit::Day));
    }
    let named = Named {
        model_id: command.model_id,
        model_version: &command.model_version,
        parameters: &command.parameters,
        datasets: command.datasets.clone(),
    };
    let standing = standing::read(tx, actor, &named, now).await?;
    let unknown = standing.unknown(&command.datasets);
    if unknown != Unknown::default() {
        return Err(Error::Unknown(unknown));
    }
    let spec = ComputeSpec {
        compute_spec_id: ComputeSpecId::new(now, app.entropy.as_ref()),
        organization_id,
        creator: command.creator,
        name: command.name.clone(),
        model_id: command.model_id,
        model_version: command.model_version.clone(),
        parameters: command.parameters.clone(),
        parts: parts(&standing, &command.datasets),
        state: State::Draft,
        cause: None,
        submitted: None,
        ended: None,
        expires: None,
        version: 1,
        created: now,
        updated: now,
    };
    compute_specs::insert(tx, &spec).await?;
    let what = What::ComputeSpecCreated { compute_spec_id: spec.compute_spec_id, name: spec.name.clone() };
    opened.record(tx, spec.creator.into(), organization_id, &what, origin).await?;
    app.tell(tx, origin, organization_id, now, what).await?;
    changed(tx, spec, View::Whole, opened.revision, now).await
}

/// The datasets by the organizations that have them.
fn parts(standing: &Standing<'_>, datasets: &[DatasetId]) -> Vec<Part> {
    let mut parts: BTreeMap<OrganizationId, BTreeMap<DatasetId, _>> = BTreeMap::new();
    for id in datasets {
        if let Some(organization) = standing.organization_of(*id) {
            parts.entry(organization).or_default().insert(*id, None);
        }
    }
    let part = |(organization_id, datasets)| Part { organization_id, datasets, verdict: Verdict::Waiting };
    parts.into_iter().map(part).collect()
}
