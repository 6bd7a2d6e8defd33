//! Gives an organization another name.

use rolecall_kernel::text::OrganizationName;

use super::App;
use super::change_organization::{self, Case, Change, Changed, Error, Target};
use crate::domain::event::What;
use crate::domain::organization::Organization;
use rolecall_db::once::{Answer, Repeat, once};

const PERMISSION: &str = "organization.organizations.update";

/// Which organization is called what.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) name: OrganizationName,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Changes the name.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        let decide = |case: &Case<'_>| decide(command, case);
        change_organization::apply(app, &tx, &command.target, PERMISSION, decide).await
    })
    .await
}

fn decide(command: &Command, case: &Case<'_>) -> Result<Option<Change>, Error> {
    let (organization, new) = (case.organization, &command.name);
    let current = organization.etag();
    if command.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    if organization.name == *new {
        return Ok(None);
    }
    let what = What::OrganizationRenamed { old: organization.name.clone(), new: new.clone() };
    let after = Organization { name: new.clone(), ..organization.clone() }.changed();
    Ok(Some(Change { after, what }))
}
