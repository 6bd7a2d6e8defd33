//! Reads notifications.

use std::collections::HashSet;

use rolecall_authz::Scope;
use rolecall_kernel::id::{NotificationId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};

use crate::context::Shared;
use crate::domain::notification::{Counts, Notification};
use crate::peers::Unreachable;
use crate::store::notifications;

/// Which notifications, and what of them the caller may see.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) scope: Scope,
    /// The caller's own organization, which needs no proof that it exists.
    pub(crate) own: Option<OrganizationId>,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) after: Option<NotificationId>,
    pub(crate) size: PageSize,
}

/// Why none are shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such notification")]
    NotFound(NotificationId),
    #[error("no such organization")]
    OrganizationNotFound(OrganizationId),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Lists a page of notifications.
pub(crate) async fn list(shared: &Shared, command: List) -> Result<Page<Notification>, Error> {
    let List { scope, own, organization, after, size } = command;
    if let Some(organization) = organization
        && !organization_exists(shared, &scope, own, organization).await?
    {
        return Err(Error::OrganizationNotFound(organization));
    }
    Ok(notifications::list(&shared.database.reader(), &scope, organization, after, size).await?)
}

/// Reads a notification, and what became of its mails.
pub(crate) async fn get(shared: &Shared, scope: &Scope, id: NotificationId) -> Result<(Notification, Counts), Error> {
    let reader = shared.database.reader();
    let found = notifications::find(&reader, scope, id).await?.ok_or(Error::NotFound(id))?;
    let counts = notifications::count(&reader, id).await?;
    Ok((found, counts))
}

/// A foreign organization and one that is not there are the same to the caller.
pub(super) async fn organization_exists(
    shared: &Shared,
    scope: &Scope,
    own: Option<OrganizationId>,
    organization: OrganizationId,
) -> Result<bool, Unreachable> {
    if own == Some(organization) {
        return Ok(true);
    }
    if !scope.includes_organization(organization) {
        return Ok(false);
    }
    Ok(shared.peers.names(HashSet::from([organization])).await?.contains_key(&organization))
}
