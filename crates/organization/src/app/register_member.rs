//! Adds a person that registers itself: always as `DATA_SCIENTIST`, hidden and without rights until it is confirmed.

use rolecall_authz::Scope;
use rolecall_db::{Tx, fault};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::EmailAddress;

use super::App;
use crate::domain::guard::{Orphaned, keep_somebody_in_charge};
use crate::domain::member::{Member, MemberState};
use crate::domain::organization::{Organization, OrganizationState};
use crate::domain::role::{Role, RoleSet};
use crate::store::{MEMBERS_KEY, members, organizations, removals, settings};

/// Who registers where.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    /// The home organization when absent.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) email: EmailAddress,
    /// The account that gives its address up.
    pub(crate) yielding: Option<UserId>,
}

/// Why nobody is added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The organization takes no registrations, or there is none.
    #[error("the organization takes no registrations")]
    Closed,
    /// The address is of another domain than the organization allows.
    #[error("the domain of the address is not allowed")]
    DomainRefused,
    /// The account that gives its address up is the last in charge.
    #[error(transparent)]
    Orphaned(#[from] Orphaned),
    /// The account has another membership.
    #[error("the account has another membership")]
    MemberElsewhere,
    /// It was removed before it was added: whoever wanted it has given up meanwhile.
    #[error("the account was removed before")]
    Removed,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Adds the account; repeating it changes nothing.
pub(crate) async fn run(app: &App, user: UserId, command: &Command) -> Result<Organization, Error> {
    let added = app.database.write(|tx| async move { add(app, &tx, user, command).await }).await;
    fault::point("register_member.after_commit");
    match added {
        Err(Error::Store(error)) if error.violates(MEMBERS_KEY) => Err(Error::MemberElsewhere),
        answer => answer,
    }
}

/// Checks what [`run`] would check, and changes nothing.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Organization, Error> {
    app.database.write(|tx| async move { judge(app, &tx, command).await }).await
}

async fn add(app: &App, tx: &Tx, user: UserId, command: &Command) -> Result<Organization, Error> {
    let organization = judge(app, tx, command).await?;
    if !removals::hold_off(tx, user.into(), app.now()).await? {
        return Err(Error::Removed);
    }
    let roles: RoleSet = [Role::DataScientist].into_iter().collect();
    if let Some((present, _)) = members::find_even_hidden(tx, user).await? {
        let same = present.organization_id == organization.organization_id && present.roles == roles;
        return if same { Ok(organization) } else { Err(Error::MemberElsewhere) };
    }
    let member = Member::hidden(user, organization.organization_id, roles, app.now());
    // It added itself: that is how its confirmation knows it.
    members::insert(tx, &member, Some(user.into())).await?;
    Ok(organization)
}

/// An organization that is closed is answered like one that does not exist.
async fn judge(app: &App, tx: &Tx, command: &Command) -> Result<Organization, Error> {
    let id = match command.organization {
        Some(id) => Some(id),
        None => organizations::find_home(tx).await?.map(|home| home.organization_id),
    };
    // Locked, so that nobody joins an organization that is being suspended or deleted.
    let found = match id {
        Some(id) => organizations::find_locked(tx, &Scope::All, id).await?,
        None => None,
    };
    let found = found.filter(|organization| organization.state == OrganizationState::Active);
    let organization = found.ok_or(Error::Closed)?;
    let stored = settings::find(tx, &Scope::All, organization.organization_id).await?.ok_or(Error::Closed)?;
    if !stored.settings.takes_registrations() {
        return Err(Error::Closed);
    }
    if !stored.settings.allows_address(&command.email) {
        return Err(Error::DomainRefused);
    }
    if let Some(yielding) = command.yielding {
        check_yield(app, tx, yielding).await?;
    }
    Ok(organization)
}

/// Whether the member may end. It is looked at again when it does; here, so that no address moves that could not.
async fn check_yield(app: &App, tx: &Tx, yielding: UserId) -> Result<(), Error> {
    let Some((member, _)) = members::find_even_hidden(tx, yielding).await? else { return Ok(()) };
    let gone = Member { state: MemberState::Hidden, ..member.clone() };
    let others = members::count_others(tx, &member, app.now()).await?;
    Ok(keep_somebody_in_charge(&member, &gone, others, app.now())?)
}
