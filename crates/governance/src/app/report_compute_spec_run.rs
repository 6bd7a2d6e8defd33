//! Records how far a run of a compute spec has come.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};

use super::App;
use super::change::Refused;
use super::change_compute_spec::{Error, Limit, Target, open};
use super::review_compute_spec::check;
use crate::domain::compute_spec::{MAX_RUNS, Run, RunName, RunState, State, View};
use crate::domain::event::What;
use crate::store::compute_specs;

/// What is reported of which run.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) name: RunName,
    pub(crate) state: RunState,
    pub(crate) detail: String,
    pub(crate) repeat: Option<Repeat<Run>>,
}

/// Records it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Run>, Error> {
    let work = |tx: Tx| async move { report(app, &tx, command).await };
    once(&app.database, command.repeat.as_ref(), app.now(), work).await
}

async fn report(app: &App, tx: &Tx, command: &Command) -> Result<Run, Error> {
    let target = &command.target;
    let (spec, view, opened) = open(app, tx, target).await?;
    let (actor, now, organization) = (&opened.actor, opened.now, spec.organization_id);
    // Its creator, or a platform that the organization of the creator trusts with it.
    let is_own = actor.subject_id() == spec.creator.into() && actor.organization_id() == Some(organization);
    if view != View::Whole || !(is_own || target.scope.includes_organization(organization)) {
        return Err(Error::ReadOnly);
    }
    let by_relation = is_own && actor.may_if_related(target.permission, now);
    if !(by_relation || actor.may(target.permission, organization, now)) {
        return Err(Refused::NotEntitled.into());
    }
    let known = compute_specs::find_run(tx, spec.compute_spec_id, &command.name).await?;
    let run = if let Some(mut run) = known {
        if !run.report(command.state, &command.detail, now)? {
            return Ok(run);
        }
        run
    } else {
        if spec.state_at(now) != State::Approved {
            return Err(Error::NotApproved);
        }
        check(tx, &opened, &spec, target.permission).await?;
        if compute_specs::count_runs(tx, spec.compute_spec_id).await? >= MAX_RUNS {
            return Err(Error::LimitReached(Limit::Runs));
        }
        let (name, state, detail) = (command.name.clone(), command.state, command.detail.clone());
        Run { name, state, detail, started: now, updated: now }
    };
    compute_specs::put_run(tx, spec.compute_spec_id, &run).await?;
    let (compute_spec_id, name) = (spec.compute_spec_id, spec.name.clone());
    let what = What::ComputeSpecRunReported { compute_spec_id, name, run: run.name.clone(), state: run.state };
    app.tell(tx, &target.origin, organization, now, what).await?;
    Ok(run)
}
