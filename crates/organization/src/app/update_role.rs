//! Changes what a composed role holds; everybody who holds it is concerned at once.

use std::collections::BTreeSet;

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::text::Description;

use super::change_role::{Changed, Error, Opened, Target, check_etag, check_grantable, check_known, open, rehearse};
use super::powers_given::Giving;
use super::{App, settings_access};
use crate::domain::actor::Subject;
use crate::domain::custom_role::{ComposedRole, CustomRole, RoleName};
use crate::domain::event::What;
use crate::domain::permission::Permission;
use crate::domain::settings::Change;
use crate::store::{access, roles};

const PERMISSION: &str = "organization.roles.update";

/// Which role becomes what.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) name: RoleName,
    pub(crate) description: Change<Description>,
    /// Other permissions, if they are to be others, as the request names them.
    pub(crate) permissions: Option<Vec<String>>,
    /// The version that the change is based on.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Changes the role, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    let before = settings_access::head(app).await?;
    let work = |tx| async move { update(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    settings_access::announce_since(app, before, &answer).await?;
    Ok(answer)
}

/// Checks what [`run`] would check, and returns the role as it would be.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Changed, Error> {
    rehearse(app, |tx| async move { update(app, &tx, command).await }).await
}

async fn update(app: &App, tx: &Tx, command: &Command) -> Result<Changed, Error> {
    let id = command.target.organization_id;
    let Opened { actor, revision, now } = open(app, tx, &command.target, PERMISSION).await?;
    let before = roles::find(tx, id, &command.name).await?.ok_or(Error::NotFound)?;
    check_etag(&before, command.etag.as_ref())?;
    if let Some(permissions) = &command.permissions {
        check_known(tx, permissions).await?;
    }
    let old = &before.role.permissions;
    let new = command.permissions.as_ref().map_or_else(|| old.clone(), |names| names.iter().cloned().collect());
    let added: BTreeSet<String> = new.difference(old).cloned().collect();
    let removed: BTreeSet<String> = old.difference(&new).cloned().collect();
    check_grantable(&actor, id, &added.union(&removed).cloned().collect())?;
    refuse_own_rise(&actor, id, &before, &added)?;
    let description = match &command.description {
        Change::Kept => before.description.clone(),
        Change::To(new) => new.clone(),
    };
    if added.is_empty() && removed.is_empty() && description == before.description {
        return Ok(Changed { composed: before, revision: access::give_back(tx).await? });
    }
    let role = CustomRole { permissions: new, ..before.role.clone() };
    let composed = ComposedRole { role, description, version: before.version + 1, updated: now, ..before };
    roles::update(tx, &composed).await?;
    // What nobody holds changes nobody's access.
    let is_access =
        !(added.is_empty() && removed.is_empty()) && roles::count_holders(tx, composed.role.role_id).await? > 0;
    let giving = Giving { giver: &actor, organization_id: id, origin: &command.target.origin, now };
    giving.to_role(app, tx, &command.name, &added).await?;
    let (added, removed) = (added.into_iter().collect(), removed.into_iter().collect());
    let what = What::RoleUpdated { name: command.name.to_string(), added, removed };
    let revision = if is_access {
        access::record_organization(tx, revision, id, what.topic(), now, &command.target.origin).await?;
        revision
    } else {
        access::give_back(tx).await?
    };
    app.tell(tx, &command.target.origin, Some(id), now, what).await?;
    Ok(Changed { composed, revision })
}

/// Who holds the role and does not own the organization adds nothing to it that it does not hold anyway.
fn refuse_own_rise(
    actor: &Subject,
    organization: OrganizationId,
    role: &ComposedRole,
    added: &BTreeSet<String>,
) -> Result<(), Error> {
    let holds = actor.custom().is_some_and(|custom| custom.contains(role.role.role_id));
    let is_new = |name: &String| {
        let permission = Permission::named(name);
        permission.is_some_and(|permission| actor.holding(&permission) < permission.composed())
    };
    let is_own = actor.organization_id() == Some(organization);
    if holds && is_own && added.iter().any(is_new) { Err(Error::OnItself) } else { Ok(()) }
}
