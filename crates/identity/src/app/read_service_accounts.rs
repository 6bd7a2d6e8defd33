//! Reads service accounts and their keys.

use rolecall_authz::Scope;
use rolecall_kernel::id::{ApiKeyId, OrganizationId, ServiceAccountId};
use rolecall_kernel::page::{Page, PageSize};

use super::Resources;
use super::fault::{Fault, take_faults};
use crate::domain::service_account::{ApiKey, ServiceAccount};
use crate::store::{api_keys, service_accounts};

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within the scope.
    #[error("no such service account")]
    ServiceAccountNotFound,
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
    /// The organization; none means all within the scope, those of the instance included.
    pub(crate) organization: Option<OrganizationId>,
    /// After which account the page begins.
    pub(crate) after: Option<ServiceAccountId>,
    /// How many.
    pub(crate) size: PageSize,
}

/// Reads one account.
pub(crate) async fn get(resources: &Resources, id: ServiceAccountId, scope: &Scope) -> Result<ServiceAccount, Error> {
    let found = service_accounts::find_in_scope(&resources.db.reader(), id, scope).await?;
    found.ok_or(Error::ServiceAccountNotFound)
}

/// Lists accounts in order of creation.
pub(crate) async fn list(resources: &Resources, command: &List) -> Result<Page<ServiceAccount>, Error> {
    let scope = match command.organization {
        None => command.scope.clone(),
        Some(id) if command.scope.includes_organization(id) => command.scope.within(id),
        Some(_) => return Err(Error::OrganizationNotFound),
    };
    let page = service_accounts::list(&resources.db.reader(), &scope, command.after, command.size).await?;
    if let (true, None, Some(id)) = (page.items.is_empty(), command.after, command.organization) {
        resources.organization.settings(id).await?.ok_or(Error::OrganizationNotFound)?;
    }
    Ok(page)
}

/// Lists the keys of an account in order of creation.
pub(crate) async fn list_keys(
    resources: &Resources,
    id: ServiceAccountId,
    scope: &Scope,
    after: Option<ApiKeyId>,
    size: PageSize,
) -> Result<Page<ApiKey>, Error> {
    get(resources, id, scope).await?;
    Ok(api_keys::list(&resources.db.reader(), id, after, size).await?)
}
