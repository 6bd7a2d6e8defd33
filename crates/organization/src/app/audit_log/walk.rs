//! The chains of a scope, one after the other in the order of their ids.

use rolecall_authz::{Filter, Scope};
use rolecall_db::{Connection, Error};
use rolecall_kernel::id::OrganizationId;
use uuid::Uuid;

use crate::app::App;
use crate::store::{audit_chains, organizations};

/// Narrows a scope to the organization that was named; `None` when there is no such organization within it.
pub(crate) async fn narrow(
    app: &App,
    scope: &Scope,
    organization: Option<OrganizationId>,
) -> Result<Option<Scope>, Error> {
    match organization {
        None => Ok(Some(scope.clone())),
        Some(id) if organizations::find(&app.database.reader(), scope, id).await?.is_none() => Ok(None),
        Some(id) => Ok(Some(scope.within(id))),
    }
}

/// Tells whether a chain belongs to the scope.
pub(crate) fn covers(scope: &Scope, chain: Uuid) -> bool {
    match scope.as_organization_filter() {
        Filter::All => true,
        Filter::Organizations(ids) => ids.iter().any(|id| id.as_uuid() == chain),
        Filter::Subject(_) | Filter::Nothing => false,
    }
}

/// Returns the chain after this one.
pub(super) async fn next<C: Connection>(
    connection: &C,
    scope: &Scope,
    after: Option<Uuid>,
) -> Result<Option<Uuid>, Error> {
    match scope.as_organization_filter() {
        Filter::All => audit_chains::next(connection, after).await,
        Filter::Organizations(ids) => {
            let ids = ids.iter().map(|id| id.as_uuid());
            Ok(ids.filter(|id| after.is_none_or(|after| *id > after)).min())
        }
        Filter::Subject(_) | Filter::Nothing => Ok(None),
    }
}
