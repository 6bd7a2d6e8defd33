//! Deletes a suspended organization with everybody who belongs to it.
//!
//! Gone here with the commit, for every reader and for every name; identity ends the accounts, programs and providers
//! after it is told by the event. Nobody comes in meanwhile: while it is suspended nobody is added, and it is not
//! deleted while an account is being made.

use rolecall_db::{Tx, fault};

use super::change_organization::{self, Error, Opened, Target};
use super::{App, settings_access};
use crate::domain::event::What;
use crate::store::{access, guests, members, organizations, roles, service_accounts};
use rolecall_db::once::{Answer, Repeat, once};

const PERMISSION: &str = "organization.organizations.delete";

/// Which organization to delete.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    /// The version that is meant.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<()>>,
}

/// Deletes, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<()>, Error> {
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move {
        delete(app, &tx, command).await?;
        fault::point("delete_organization.before_commit");
        Ok::<_, Error>(())
    })
    .await?;
    fault::point("delete_organization.after_commit");
    settings_access::announce(app).await?;
    Ok(answer)
}

async fn delete(app: &App, tx: &Tx, command: &Command) -> Result<(), Error> {
    let opened = change_organization::open(app, tx, &command.target, PERMISSION).await?;
    let Opened { organization, revision, now, .. } = opened;
    let id = organization.organization_id;
    let current = organization.etag();
    if command.etag.as_ref().is_some_and(|etag| *etag != current) {
        return Err(Error::EtagMismatch { current });
    }
    if organization.home {
        return Err(Error::Home);
    }
    if organization.suspension().is_none() {
        return Err(Error::NotSuspended);
    }
    if members::has_admins(tx, id).await? {
        return Err(Error::HasAdmin);
    }
    if members::has_hidden(tx, id).await? {
        return Err(Error::Unfinished);
    }
    members::delete_all(tx, id).await?;
    roles::delete_all(tx, id).await?;
    service_accounts::delete_all(tx, id).await?;
    guests::delete_all(tx, id).await?;
    organizations::delete(tx, id, now).await?;
    let what = What::OrganizationDeleted { name: organization.name };
    access::record_organization(tx, revision, id, what.topic(), now, &command.target.origin).await?;
    Ok(app.tell(tx, &command.target.origin, Some(id), now, what).await?)
}
