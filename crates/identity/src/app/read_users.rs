//! Reads accounts: one's own, one, a page of them.

use rolecall_authz::Scope;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::page::{Page, PageSize};

use super::Resources;
use super::fault::{Fault, take_faults};
use crate::domain::user::UserView;
use crate::store::users;

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within the scope.
    #[error("no such account")]
    UserNotFound,
    /// No such organization within the scope.
    #[error("no such organization")]
    OrganizationNotFound,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Which accounts to list.
#[derive(Debug)]
pub(crate) struct List {
    /// Where the caller may.
    pub(crate) scope: Scope,
    /// The organization; none means all within the scope.
    pub(crate) organization: Option<OrganizationId>,
    /// After which account the page begins.
    pub(crate) after: Option<UserId>,
    /// How many.
    pub(crate) size: PageSize,
}

/// Reads one account within a scope.
pub(crate) async fn get(resources: &Resources, user_id: UserId, scope: &Scope) -> Result<UserView, Error> {
    let user = users::find_in_scope(&resources.db.reader(), user_id, scope).await?.ok_or(Error::UserNotFound)?;
    let membership = resources.organization.member(user_id).await?;
    Ok(UserView { user, membership })
}

/// Lists accounts within a scope; roles and blocks come with one question a page.
pub(crate) async fn list(resources: &Resources, command: &List) -> Result<Page<UserView>, Error> {
    let scope = narrow(&command.scope, command.organization)?;
    let page = users::list(&resources.db.reader(), &scope, command.after, command.size).await?;
    if let (true, None, Some(id)) = (page.items.is_empty(), command.after, command.organization) {
        // Nobody at all: an organization that there is has somebody, or has only just begun.
        resources.organization.find_organization(id).await?.ok_or(Error::OrganizationNotFound)?;
    }
    let mut memberships = resources.organization.members(page.items.iter().map(|user| user.user_id)).await?;
    let view = |user: crate::domain::user::User| {
        let membership = memberships.remove(&user.user_id).unwrap_or_default();
        UserView { user, membership }
    };
    Ok(Page { items: page.items.into_iter().map(view).collect(), has_more: page.has_more })
}

/// The part of a scope that lies in the named organization, which has to lie in the scope.
fn narrow(scope: &Scope, organization: Option<OrganizationId>) -> Result<Scope, Error> {
    match organization {
        None => Ok(scope.clone()),
        Some(id) if scope.includes_organization(id) => Ok(scope.within(id)),
        Some(_) => Err(Error::OrganizationNotFound),
    }
}
