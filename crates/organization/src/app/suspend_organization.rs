//! Keeps everybody out who belongs to an organization.
//!
//! Whoever does it is an administrator of another organization who can act, so the instance keeps one.

use rolecall_db::fault;
use rolecall_kernel::text::Reason;

use super::change_organization::{self, Case, Change, Changed, Error, Target};
use super::{App, settings_access};
use crate::domain::event::What;
use crate::domain::organization::{Organization, OrganizationState, Suspension};
use rolecall_db::once::{Answer, Repeat, once};

pub(super) const PERMISSION: &str = "organization.organizations.suspend";

/// Which organization to suspend, and why.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) reason: Reason,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Suspends, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        let decide = |case: &Case<'_>| decide(command, case);
        let changed = change_organization::apply(app, &tx, &command.target, PERMISSION, decide).await?;
        fault::point("suspend_organization.before_commit");
        Ok::<_, Error>(changed)
    })
    .await?;
    fault::point("suspend_organization.after_commit");
    settings_access::announce(app).await?;
    Ok(answer)
}

fn decide(command: &Command, case: &Case<'_>) -> Result<Option<Change>, Error> {
    if case.organization.home {
        return Err(Error::Home);
    }
    if case.is_own() {
        return Err(Error::OnOwn);
    }
    if case.organization.suspension().is_some() {
        return Err(Error::Suspended);
    }
    let reason = command.reason.clone();
    let suspension = Suspension { reason: reason.clone(), since: case.now, actor: case.actor.subject_id() };
    let state = OrganizationState::Suspended(suspension);
    let after = Organization { state, ..case.organization.clone() }.changed();
    Ok(Some(Change { after, what: What::OrganizationSuspended { reason, owners: case.owners.clone() } }))
}
