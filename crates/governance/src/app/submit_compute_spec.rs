//! Submits a draft of a compute spec for review.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::OrganizationId;
use rolecall_organization::ground::{self, Origin};

use super::App;
use super::change_compute_spec::{Changed, Error, Limit, Target, changed, created, demand_creator, finish, obey, open};
use super::standing::{self, Named};
use crate::domain::compute_spec::{ComputeSpec, MAX_TOUCHING, State};
use crate::domain::event::What;
use crate::store::compute_specs;

/// Which spec.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Submits it.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { submit(app, &tx, &command.target).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    obey(app, &answer);
    Ok(answer)
}

async fn submit(app: &App, tx: &Tx, target: &Target) -> Result<Changed, Error> {
    let (before, view, opened) = open(app, tx, target).await?;
    demand_creator(tx, &opened, &before, target.permission).await?;
    let (mut after, now) = (before.clone(), opened.now);
    let (pins, expires) = if before.state == State::Draft {
        let standing = standing::read(tx, &opened.actor, &Named::of(&before), now).await?;
        let pins = standing.pins(before.pins().map(|(id, _)| (id, None))).map_err(Error::Uncovered)?;
        let expires = standing.expires(&pins);
        (pins, expires)
    } else {
        (before.pins().collect(), before.expires)
    };
    if !after.submit(&pins, expires, now)? {
        return changed(tx, before, view, opened.revision, now).await;
    }
    for part in &after.parts {
        if compute_specs::count_touching(tx, part.organization_id).await? >= MAX_TOUCHING {
            return Err(Error::LimitReached(Limit::Touching));
        }
    }
    let told = told(tx, &after, &target.origin).await?;
    finish(app, tx, &opened, created(&after), (&before, &after), &target.origin, told).await?;
    changed(tx, after, view, opened.revision, now).await
}

/// The organization of the creator learns that it was submitted, and each that has datasets of its own part.
async fn told(
    tx: &Tx,
    spec: &ComputeSpec,
    origin: &Origin,
) -> Result<Vec<(Origin, OrganizationId, What)>, rolecall_db::Error> {
    let (compute_spec_id, name, creator) = (spec.compute_spec_id, spec.name.clone(), spec.creator);
    let organizations = spec.parts.iter().map(|part| part.organization_id).collect();
    let submitted = What::ComputeSpecSubmitted { compute_spec_id, name: name.clone(), organizations };
    let mut told = vec![(origin.clone(), spec.organization_id, submitted)];
    for part in &spec.parts {
        let owners = ground::list_owners(tx, part.organization_id).await?;
        let (name, datasets) = (name.clone(), part.datasets.keys().copied().collect());
        let what = What::ComputeSpecReviewRequested { compute_spec_id, name, creator, datasets, owners };
        told.push((origin.clone(), part.organization_id, what));
    }
    Ok(told)
}
