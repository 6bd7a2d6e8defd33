//! Lets those who belong to a suspended organization act again.

use super::change_organization::{self, Case, Change, Changed, Error, Target};
use super::suspend_organization::PERMISSION;
use super::{App, settings_access};
use crate::domain::event::What;
use crate::domain::organization::{Organization, OrganizationState};
use rolecall_db::once::{Answer, Repeat, once};

/// Which organization to resume.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Resumes, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        change_organization::apply(app, &tx, &command.target, PERMISSION, decide).await
    })
    .await?;
    settings_access::announce(app).await?;
    Ok(answer)
}

fn decide(case: &Case<'_>) -> Result<Option<Change>, Error> {
    if case.organization.suspension().is_none() {
        return Err(Error::NotSuspended);
    }
    let after = Organization { state: OrganizationState::Active, ..case.organization.clone() }.changed();
    Ok(Some(Change { after, what: What::OrganizationResumed { owners: case.owners.clone() } }))
}
