//! Adds a member that is hidden and without rights until it is confirmed.

use rolecall_db::{Tx, fault};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};

use super::App;
use super::entitlement::{Lacking, find_actor, find_organization};
use crate::domain::custom_role::{NamedRoles, Roles};
use crate::domain::member::Member;
use crate::domain::organization::Organization;
use crate::store::{MEMBERS_KEY, members, removals, roles};

const PERMISSION: &str = "identity.users.create";

/// Who adds whom, where, as what.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) actor: SubjectId,
    /// The actor's own when absent.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) roles: NamedRoles,
}

/// Why nobody is added.
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
    /// The actor may not give one of these roles.
    #[error("the roles are not the actor's to give")]
    NotGrantable(Vec<String>),
    /// The organization has no such roles, by their places in the request.
    #[error("some are no roles of the organization")]
    RolesUnknown(Vec<usize>),
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

/// Adds the account; repeating it changes nothing.
pub(crate) async fn run(app: &App, user: UserId, command: &Command) -> Result<Organization, Error> {
    let added = app.database.write(|tx| async move { add(app, &tx, user, command).await }).await;
    fault::point("add_member.after_commit");
    match added {
        // Another call with the same account was faster; what it added is not known here.
        Err(Error::Store(error)) if error.violates(MEMBERS_KEY) => Err(Error::MemberElsewhere),
        answer => answer,
    }
}

/// Checks what [`run`] would check, and changes nothing.
pub(crate) async fn check(app: &App, command: &Command) -> Result<Organization, Error> {
    app.database.write(|tx| async move { judge(app, &tx, command).await.map(|(organization, _)| organization) }).await
}

async fn add(app: &App, tx: &Tx, user: UserId, command: &Command) -> Result<Organization, Error> {
    let (organization, roles) = judge(app, tx, command).await?;
    if !removals::hold_off(tx, user.into(), app.now()).await? {
        return Err(Error::Removed);
    }
    if let Some((present, _)) = members::find_even_hidden(tx, user).await? {
        let same = present.organization_id == organization.organization_id && present.all_roles() == roles;
        return if same { Ok(organization) } else { Err(Error::MemberElsewhere) };
    }
    let member = Member::hidden(user, organization.organization_id, roles.built_in, app.now()).with_roles(roles);
    members::insert(tx, &member, Some(command.actor)).await?;
    Ok(organization)
}

async fn judge(app: &App, tx: &Tx, command: &Command) -> Result<(Organization, Roles), Error> {
    let now = app.now();
    let actor = find_actor(tx, command.actor, now).await?;
    let organization = find_organization(tx, &actor, PERMISSION, command.organization, now).await?;
    let known = roles::find_named(tx, organization.organization_id, &command.roles.custom_names()).await?;
    let roles = command.roles.resolve(&known).map_err(Error::RolesUnknown)?;
    let beyond = actor.ungrantable(&roles, organization.organization_id, now);
    if beyond.is_empty() { Ok((organization, roles)) } else { Err(Error::NotGrantable(beyond)) }
}
