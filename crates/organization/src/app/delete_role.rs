//! Deletes a composed role; from those who hold it only when that is asked for.

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, once};
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Timestamp;

use super::change_role::{Error, Opened, Target, check_etag, open, rehearse};
use super::{App, settings_access};
use crate::domain::custom_role::{ComposedRole, CustomRoles, MAX_TAKEN, RoleName, Roles};
use crate::domain::event::What;
use crate::domain::member::{Member, MemberState};
use crate::domain::role::Role;
use crate::store::{access, members, roles};

const PERMISSION: &str = "organization.roles.delete";

/// Which role goes.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) name: RoleName,
    /// Whether it is taken from those who hold it.
    pub(crate) take_from_holders: bool,
    /// The version that is meant.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<Deleted>>,
}

/// What a deletion came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// From how many the role was taken.
    pub(crate) holders: usize,
    pub(crate) revision: i64,
}

/// Deletes the role, and makes this process obey before it answers.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Answer<Deleted>, Error> {
    let before = settings_access::head(app).await?;
    let work = |tx| async move { delete(app, &tx, command).await };
    let answer = once(&app.database, command.repeat.as_ref(), app.now(), work).await?;
    settings_access::announce_since(app, before, &answer).await?;
    Ok(answer)
}

/// Checks what [`run`] would check, and tells what it would come to.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Deleted, Error> {
    rehearse(app, |tx| async move { delete(app, &tx, command).await }).await
}

async fn delete(app: &App, tx: &Tx, command: &Command) -> Result<Deleted, Error> {
    let Target { organization_id, ref origin, .. } = command.target;
    let Opened { actor, revision, now } = open(app, tx, &command.target, PERMISSION).await?;
    let composed = roles::find(tx, organization_id, &command.name).await?.ok_or(Error::NotFound)?;
    check_etag(&composed, command.etag.as_ref())?;
    let count = roles::count_holders(tx, composed.role.role_id).await?;
    if count > 0 {
        if !command.take_from_holders {
            return Err(Error::InUse(count));
        }
        // Everybody else's changes of access wait meanwhile.
        if count > MAX_TAKEN {
            return Err(Error::InUseByMany(count));
        }
        let custom: CustomRoles = [composed.role.clone()].into_iter().collect();
        if !actor.may_grant(&Roles { custom, ..Roles::default() }, organization_id, now) {
            return Err(Error::NotGrantable(command.name.clone()));
        }
        for holder in roles::list_holders(tx, composed.role.role_id).await? {
            take(app, tx, command, &composed, holder, now).await?;
        }
    }
    roles::delete(tx, composed.role.role_id).await?;
    let holders = usize::try_from(count).unwrap_or(usize::MAX);
    let what = What::RoleDeleted { name: command.name.to_string(), holders };
    let revision = if count > 0 {
        access::record_organization(tx, revision, organization_id, what.topic(), now, origin).await?;
        revision
    } else {
        access::give_back(tx).await?
    };
    app.tell(tx, origin, Some(organization_id), now, what).await?;
    Ok(Deleted { holders, revision })
}

/// Takes the role from a member; who is left with none is a guest. Who is hidden is told to nobody.
async fn take(
    app: &App,
    tx: &Tx,
    command: &Command,
    composed: &ComposedRole,
    user: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let Some((member, _)) = members::find_even_hidden(tx, user).await? else { return Ok(()) };
    let old = member.all_roles();
    let mut new = Roles { custom: old.custom.without(composed.role.role_id), ..old.clone() };
    if new.is_empty() {
        new.built_in = new.built_in.with(Role::Guest);
    }
    let is_seen = member.state != MemberState::Hidden;
    let after: Member = member.with_roles(new.clone()).changed(now);
    roles::assign(tx, user, &after.custom).await?;
    members::advance(tx, &after).await?;
    if is_seen {
        let what = What::MemberRolesChanged { user_id: user, old: old.names(), new: new.names() };
        app.tell(tx, &command.target.origin, Some(after.organization_id), now, what).await?;
    }
    Ok(())
}
