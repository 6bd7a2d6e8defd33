//! Lists deliveries, the newest first.

use rolecall_authz::Scope;
use rolecall_kernel::id::{DeliveryId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};

use super::notifications::organization_exists;
use crate::context::Shared;
use crate::domain::delivery::{Delivery, Filter};
use crate::peers::Unreachable;
use crate::store::deliveries;

/// Which deliveries, and what of them the caller may see.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) scope: Scope,
    /// The caller's own organization, which needs no proof that it exists.
    pub(crate) own: Option<OrganizationId>,
    pub(crate) filter: Filter,
    pub(crate) after: Option<DeliveryId>,
    pub(crate) size: PageSize,
}

/// Why none are shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such organization")]
    OrganizationNotFound(OrganizationId),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Lists a page of deliveries.
pub(crate) async fn run(shared: &Shared, command: Command) -> Result<Page<Delivery>, Error> {
    if let Some(organization) = command.filter.organization
        && !organization_exists(shared, &command.scope, command.own, organization).await?
    {
        return Err(Error::OrganizationNotFound(organization));
    }
    let Command { scope, filter, after, size, .. } = command;
    Ok(deliveries::list(&shared.database.reader(), &scope, filter, after, size).await?)
}
