//! Composes a role of permissions.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::RoleId;
use rolecall_kernel::text::Description;

use super::App;
use super::change_role::{Changed, Error, Opened, Target, check_grantable, check_known, open, rehearse};
use super::powers_given::Giving;
use crate::domain::custom_role::{ComposedRole, CustomRole, MAX_ROLES, RoleName};
use crate::domain::event::What;
use crate::store::roles;

const PERMISSION: &str = "organization.roles.create";

/// What the role is.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) name: RoleName,
    pub(crate) description: Option<Description>,
    /// As the request names them; those of the catalogue may be composed.
    pub(crate) permissions: Vec<String>,
    pub(crate) repeat: Option<Repeat<Changed>>,
}

/// Makes the role; nobody holds it yet.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Changed>, Error> {
    once(&app.database, command.repeat.as_ref(), app.now(), |tx| async move { create(app, &tx, command).await }).await
}

/// Checks what [`run`] would check, and returns the role as it would be.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Changed, Error> {
    rehearse(app, |tx| async move { create(app, &tx, command).await }).await
}

async fn create(app: &App, tx: &Tx, command: &Command) -> Result<Changed, Error> {
    let organization_id = command.target.organization_id;
    let Opened { actor, revision, now } = open(app, tx, &command.target, PERMISSION).await?;
    check_known(tx, &command.permissions).await?;
    let permissions = command.permissions.iter().cloned().collect();
    check_grantable(&actor, organization_id, &permissions)?;
    if roles::count(tx, organization_id).await? >= MAX_ROLES {
        return Err(Error::LimitReached);
    }
    let role_id = RoleId::new(now, app.entropy.as_ref());
    let composed = ComposedRole {
        role: CustomRole { role_id, name: command.name.clone(), permissions },
        organization_id,
        description: command.description.clone(),
        version: 1,
        created: now,
        updated: now,
    };
    roles::insert(tx, &composed).await?;
    let permissions = composed.role.permissions.iter().cloned().collect();
    let what = What::RoleCreated { name: command.name.to_string(), permissions };
    app.tell(tx, &command.target.origin, Some(organization_id), now, what).await?;
    let giving = Giving { giver: &actor, organization_id, origin: &command.target.origin, now };
    giving.to_role(app, tx, &command.name, &composed.role.permissions).await?;
    Ok(Changed { composed, revision })
}
