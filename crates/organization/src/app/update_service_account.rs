//! Gives a service account other permissions, bounded by those of the actor.

use std::collections::BTreeSet;

use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, ServiceAccountId, SubjectId};

use super::entitlement::{Lacking, find_actor};
use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::domain::service_account::ServiceAccount;
use crate::store::{access, registered_permissions, service_accounts};

const PERMISSION: &str = "identity.service_accounts.update";

/// Who gives what to whom.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) service_account_id: ServiceAccountId,
    /// Names of the catalogue, or of what other backends registered.
    pub(crate) permissions: BTreeSet<String>,
    /// Whose rights bound them; none takes back a change that was not finished.
    pub(crate) actor: Option<SubjectId>,
    pub(crate) request: Origin,
}

/// Why the permissions stay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    NotFound,
    /// The actor lacks the right.
    #[error("the actor lacks the right")]
    NotEntitled,
    /// The actor does not hold these itself, there and without conditions.
    #[error("the permissions are not the actor's to give")]
    NotGrantable(Vec<String>),
    /// These are no permissions.
    #[error("some are no permissions")]
    PermissionsUnknown(Vec<String>),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Replaces the permissions; they count from the answer on. Repeating it changes nothing.
pub(crate) async fn run(app: &App, command: &Command) -> Result<(), Error> {
    let revision = app.database.write(|tx| async move { replace(app, &tx, command).await }).await?;
    if let Some(revision) = revision {
        app.announce(command.service_account_id.into(), revision);
    }
    Ok(())
}

async fn replace(app: &App, tx: &Tx, command: &Command) -> Result<Option<i64>, Error> {
    let revision = access::advance(tx).await?;
    let service_account_id = command.service_account_id;
    let account = service_accounts::find(tx, service_account_id).await?.ok_or(Error::NotFound)?;
    if let Some(actor) = command.actor {
        judge(app, tx, command, &account, actor).await?;
    }
    let mut permissions = command.permissions.clone();
    let unknown = registered_permissions::find_unknown(tx, &permissions).await?;
    // What is put back may name permissions that ended meanwhile, which are left out.
    permissions.retain(|name| !unknown.contains(name));
    if !unknown.is_empty() && command.actor.is_some() {
        return Err(Error::PermissionsUnknown(unknown));
    }
    if account.permissions == permissions {
        access::give_back(tx).await?;
        return Ok(None);
    }
    let organization_id = account.organization_id;
    service_accounts::update(tx, &ServiceAccount { permissions: permissions.clone(), ..account }).await?;
    let permissions = permissions.into_iter().collect();
    let what = What::ServiceAccountUpdated { service_account_id, permissions };
    let told = Told { revision, subject_id: service_account_id.into(), organization_id, occurred: app.now(), what };
    let origin = Origin { actor: command.actor, ..command.request.clone() };
    app.tell_change(tx, &origin, told).await?;
    Ok(Some(revision))
}

/// Nobody gives what it does not hold, where it does not hold it; what stays counts as given.
async fn judge(app: &App, tx: &Tx, command: &Command, account: &ServiceAccount, actor: SubjectId) -> Result<(), Error> {
    let now = app.now();
    let actor = find_actor(tx, actor, now).await.map_err(|lacking| match lacking {
        Lacking::Store(error) => Error::Store(error),
        Lacking::OrganizationMissing
        | Lacking::OrganizationNotFound
        | Lacking::OrganizationSuspended
        | Lacking::Right => Error::NotEntitled,
    })?;
    let holds = |name: &str| match account.organization_id {
        Some(id) => actor.may(name, id, now),
        None => actor.may_everywhere(name, now),
    };
    if !holds(PERMISSION) {
        let is_own = |id: OrganizationId| actor.organization_id() == Some(id);
        return Err(if account.organization_id.is_some_and(is_own) { Error::NotEntitled } else { Error::NotFound });
    }
    let lacking: Vec<String> = command.permissions.iter().filter(|name| !holds(name)).cloned().collect();
    if lacking.is_empty() { Ok(()) } else { Err(Error::NotGrantable(lacking)) }
}
