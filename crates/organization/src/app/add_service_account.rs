//! Gives a service account its permissions, bounded by those of the actor.

use std::collections::BTreeSet;

use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, ServiceAccountId, SubjectId};

use super::entitlement::{Lacking, find_actor, find_organization};
use super::{App, Told};
use crate::domain::event::{Origin, What};
use crate::domain::service_account::ServiceAccount;
use crate::store::{access, registered_permissions, removals, service_accounts};

const PERMISSION: &str = "identity.service_accounts.create";

/// Where a service account acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the actor's own organization.
    Own,
    /// In this organization.
    Organization(OrganizationId),
    /// In the whole instance.
    Instance,
}

/// Who gives what to whom.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) service_account_id: ServiceAccountId,
    pub(crate) place: Place,
    /// Names of the catalogue, or of what other backends registered.
    pub(crate) permissions: BTreeSet<String>,
    pub(crate) actor: SubjectId,
    pub(crate) request: Origin,
}

/// Why nothing is given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The actor has no organization of its own and names none.
    #[error("the actor has to name an organization")]
    OrganizationMissing,
    /// No such organization within what the actor may see.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The organization is suspended.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// The actor lacks the right.
    #[error("the actor lacks the right")]
    NotEntitled,
    /// The actor does not hold these itself, there and without conditions.
    #[error("the permissions are not the actor's to give")]
    NotGrantable(Vec<String>),
    /// These are no permissions.
    #[error("some are no permissions")]
    PermissionsUnknown(Vec<String>),
    /// The account exists with other content.
    #[error("the account exists with other content")]
    AccountElsewhere,
    /// It was removed before it was added: whoever wanted it has given up meanwhile.
    #[error("the account was removed before")]
    Removed,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

impl From<Lacking> for Error {
    fn from(lacking: Lacking) -> Self {
        match lacking {
            Lacking::OrganizationMissing => Self::OrganizationMissing,
            Lacking::OrganizationNotFound => Self::OrganizationNotFound,
            Lacking::OrganizationSuspended => Self::OrganizationSuspended,
            Lacking::Right => Self::NotEntitled,
            Lacking::Store(error) => Self::Store(error),
        }
    }
}

/// Gives the permissions and returns where; repeating it changes nothing.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Option<OrganizationId>, Error> {
    let (organization, revision) = app.database.write(|tx| async move { add(app, &tx, command).await }).await?;
    if let Some(revision) = revision {
        app.announce(command.service_account_id.into(), revision);
    }
    Ok(organization)
}

/// Checks what [`run`] would check, and changes nothing.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Option<OrganizationId>, Error> {
    app.database.write(|tx| async move { judge(app, &tx, command).await }).await
}

async fn add(app: &App, tx: &Tx, command: &Command) -> Result<(Option<OrganizationId>, Option<i64>), Error> {
    let revision = access::advance(tx).await?;
    let organization_id = judge(app, tx, command).await?;
    let service_account_id = command.service_account_id;
    if !removals::hold_off(tx, service_account_id.into(), app.now()).await? {
        return Err(Error::Removed);
    }
    let account = ServiceAccount { service_account_id, organization_id, permissions: command.permissions.clone() };
    if let Some(present) = service_accounts::find(tx, service_account_id).await? {
        return if present == account { Ok((organization_id, None)) } else { Err(Error::AccountElsewhere) };
    }
    let now = app.now();
    service_accounts::insert(tx, &account, now).await?;
    let permissions = account.permissions.iter().cloned().collect();
    let what = What::ServiceAccountAdded { service_account_id, permissions };
    let told = Told { revision, subject_id: service_account_id.into(), organization_id, occurred: now, what };
    let origin = Origin { actor: Some(command.actor), ..command.request.clone() };
    app.tell_change(tx, &origin, told).await?;
    Ok((organization_id, Some(revision)))
}

/// Nobody gives what it does not hold, where it does not hold it.
async fn judge(app: &App, tx: &Tx, command: &Command) -> Result<Option<OrganizationId>, Error> {
    let now = app.now();
    let actor = find_actor(tx, command.actor, now).await?;
    let organization = match command.place {
        Place::Instance if actor.may_everywhere(PERMISSION, now) => None,
        Place::Instance => return Err(Error::NotEntitled),
        Place::Own => Some(find_organization(tx, &actor, PERMISSION, None, now).await?),
        Place::Organization(id) => Some(find_organization(tx, &actor, PERMISSION, Some(id), now).await?),
    };
    let organization = organization.map(|organization| organization.organization_id);
    let holds = |name: &str| match organization {
        Some(id) => actor.may(name, id, now),
        None => actor.may_everywhere(name, now),
    };
    let unknown = registered_permissions::find_unknown(tx, &command.permissions).await?;
    if !unknown.is_empty() {
        return Err(Error::PermissionsUnknown(unknown));
    }
    let lacking: Vec<String> = command.permissions.iter().filter(|name| !holds(name)).cloned().collect();
    if lacking.is_empty() { Ok(organization) } else { Err(Error::NotGrantable(lacking)) }
}
