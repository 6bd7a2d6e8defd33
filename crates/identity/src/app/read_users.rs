//! Reads accounts: one's own, one, a page of them.

use std::collections::HashMap;

use rolecall_authz::Scope;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::page::{Page, PageSize};

use super::Resources;
use super::fault::{Fault, take_faults};
use crate::domain::user::{User, UserView};
use crate::domain::user_list::{Position, UserFilter, UserOrder};
use crate::store::{credentials, user_list, users};

/// The most accounts that are read at once.
pub(crate) const MAX_BATCH: usize = 1_000;

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
    /// What all of them have.
    pub(crate) filter: UserFilter,
    /// In which order.
    pub(crate) order: UserOrder,
    /// After which place the page begins.
    pub(crate) after: Option<Position>,
    /// How many.
    pub(crate) size: PageSize,
}

/// Reads one account within a scope.
pub(crate) async fn get(resources: &Resources, user_id: UserId, scope: &Scope) -> Result<UserView, Error> {
    let reader = resources.db.reader();
    let user = users::find_in_scope(&reader, user_id, scope).await?.ok_or(Error::UserNotFound)?;
    let membership = resources.organization.member(user_id).await?;
    let password_change_required = credentials::is_change_required(&reader, user_id).await?;
    Ok(UserView { user, membership, password_change_required })
}

/// Lists accounts within a scope; roles and blocks come with one question a page.
pub(crate) async fn list(resources: &Resources, command: &List) -> Result<Page<UserView>, Error> {
    let scope = narrow(&command.scope, command.organization)?;
    let List { filter, order, after, size, .. } = command;
    let page = user_list::list(&resources.db.reader(), &scope, filter, *order, after.as_ref(), *size).await?;
    if let (true, None, Some(id)) = (page.items.is_empty(), after, command.organization) {
        // Nobody at all: an organization that there is has somebody, unless it has only just begun or a filter asks.
        resources.organization.settings(id).await?.ok_or(Error::OrganizationNotFound)?;
    }
    Ok(Page { items: view(resources, page.items).await?, has_more: page.has_more })
}

/// Reads accounts within a scope, in the order of their identifiers here, each once; others are left out.
pub(crate) async fn batch_get(resources: &Resources, ids: &[UserId], scope: &Scope) -> Result<Vec<UserView>, Error> {
    let found = users::find_many_in_scope(&resources.db.reader(), ids, scope).await?;
    let mut views: HashMap<UserId, UserView> =
        view(resources, found).await?.into_iter().map(|view| (view.user.user_id, view)).collect();
    Ok(ids.iter().filter_map(|id| views.remove(id)).collect())
}

/// Adds what lies elsewhere: one question to each place, however many accounts there are.
async fn view(resources: &Resources, users: Vec<User>) -> Result<Vec<UserView>, Error> {
    let ids: Vec<UserId> = users.iter().map(|user| user.user_id).collect();
    let change_required = credentials::find_change_required(&resources.db.reader(), &ids).await?;
    let mut memberships = resources.organization.members(ids).await?;
    let view = |user: User| {
        let membership = memberships.remove(&user.user_id).unwrap_or_default();
        let password_change_required = change_required.contains(&user.user_id);
        UserView { user, membership, password_change_required }
    };
    Ok(users.into_iter().map(view).collect())
}

/// The part of a scope that lies in the named organization, which has to lie in the scope.
fn narrow(scope: &Scope, organization: Option<OrganizationId>) -> Result<Scope, Error> {
    match organization {
        None => Ok(scope.clone()),
        Some(id) if scope.includes_organization(id) => Ok(scope.within(id)),
        Some(_) => Err(Error::OrganizationNotFound),
    }
}
