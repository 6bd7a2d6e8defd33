//! Approves or rejects the part of a compute spec that touches the datasets of an organization.

use rolecall_authz::RowFacts;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::text::Reason;
use rolecall_organization::ground::{self, Origin};

use super::App;
use super::change::{self, Opened, Refused};
use super::change_compute_spec::{Changed, Error, Target, changed, finish, obey, open};
use super::standing::{self, Named};
use crate::domain::compute_spec::{ComputeSpec, ReviewError, State};
use crate::domain::event::What;

/// Which spec, for which organization, and how it decides.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    /// Where the caller belongs, whose datasets it decides about.
    pub(crate) own: Option<OrganizationId>,
    /// Why it is rejected; none when it is approved.
    pub(crate) rejection: Option<Reason>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Decides.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let work = |tx: Tx| async move { review(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    obey(app, &answer);
    Ok(answer)
}

async fn review(app: &App, tx: &Tx, command: &Command) -> Result<Changed, Error> {
    let target = &command.target;
    let (before, view, opened) = open(app, tx, target).await?;
    let own = reviewer(tx, &opened, &before, command).await?;
    let (mut after, now) = (before.clone(), opened.now);
    if let Some(reason) = &command.rejection {
        after.reject(own, reason, now)?;
    } else {
        if !after.approve(own, now)? {
            return changed(tx, before, view, opened.revision, now).await;
        }
        check(tx, &opened, &before, "organization.compute_specs.submit").await?;
    }
    let told = told(&after, own, command.rejection.as_ref(), &target.origin);
    finish(app, tx, &opened, RowFacts::of_organization(own), (&before, &after), &target.origin, told).await?;
    changed(tx, after, view, opened.revision, now).await
}

/// Checks that the actor decides for an organization whose datasets are touched.
async fn reviewer(tx: &Tx, opened: &Opened, spec: &ComputeSpec, command: &Command) -> Result<OrganizationId, Error> {
    let own = command.own.ok_or(Error::ReadOnly)?;
    if spec.part(own).is_none() {
        return Err(Error::ReadOnly);
    }
    if spec.submitted.is_none() {
        return Err(ReviewError::NotUnderReview.into());
    }
    let (actor, permission) = (&opened.actor, command.target.permission);
    let is_entitled = actor.may_if_related(permission, opened.now) || actor.may(permission, own, opened.now);
    if !is_entitled || actor.organization_id() != Some(own) {
        return Err(Refused::NotEntitled.into());
    }
    change::in_operation(tx, own).await?;
    Ok(own)
}

/// Checks that the spec still stands on all that it stood on when it was submitted, and that its creator may do this
/// with it.
pub(super) async fn check(tx: &Tx, opened: &Opened, spec: &ComputeSpec, permission: &str) -> Result<(), Error> {
    // Which of the datasets of others it is about is nothing for a reviewer.
    let uncovered = || Error::Uncovered(Vec::new());
    let creator = ground::find_actor(tx, spec.creator.into()).await?.ok_or_else(uncovered)?;
    let is_entitled =
        creator.may_if_related(permission, opened.now) || creator.may(permission, spec.organization_id, opened.now);
    if !is_entitled || creator.organization_id() != Some(spec.organization_id) {
        return Err(uncovered());
    }
    let standing = standing::read(tx, &creator, &Named::of(spec), opened.now).await?;
    let pins = standing.pins(spec.pins().map(|(id, pin)| (id, Some(pin))));
    pins.map(drop).map_err(|_| uncovered())
}

/// The organization learns how it decided, the creator and its organization what follows; not who decided elsewhere.
fn told(
    spec: &ComputeSpec,
    own: OrganizationId,
    rejection: Option<&Reason>,
    origin: &Origin,
) -> Vec<(Origin, OrganizationId, What)> {
    let (compute_spec_id, creator, name) = (spec.compute_spec_id, spec.creator, || spec.name.clone());
    let reviewed = What::ComputeSpecReviewed { compute_spec_id, name: name(), rejection: rejection.cloned() };
    let follows = match (rejection, spec.state) {
        (Some(reason), _) => {
            What::ComputeSpecRejected { compute_spec_id, name: name(), creator, by: own, reason: reason.clone() }
        }
        (None, State::Approved) => What::ComputeSpecApproved { compute_spec_id, name: name(), creator },
        (None, _) => What::ComputeSpecPartlyApproved { compute_spec_id, name: name(), creator, by: own },
    };
    let shown = if own == spec.organization_id { origin.clone() } else { Origin { actor: None, ..origin.clone() } };
    vec![(origin.clone(), own, reviewed), (shown, spec.organization_id, follows)]
}
