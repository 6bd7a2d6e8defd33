//! Reads asset policies.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::{AssetPolicyId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_organization::ground::Position;

use super::App;
use crate::domain::asset_policy::AssetPolicy;
use crate::store::asset_policies;

pub(crate) use crate::store::asset_policies::Which;

/// Reads one policy within the scope.
pub(crate) async fn find(app: &App, scope: &Scope, id: AssetPolicyId) -> Result<Option<AssetPolicy>, Error> {
    asset_policies::find(&app.database.reader(), scope, id).await
}

/// Which policies to list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) scope: Scope,
    /// One organization, or all of the scope.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) which: Which,
    pub(crate) after: Option<Position>,
    pub(crate) size: PageSize,
}

/// Lists a page of policies; `None` when the organization lies outside of the scope.
pub(crate) async fn list(app: &App, list: &List) -> Result<Option<Page<AssetPolicy>>, Error> {
    let scope = match list.organization {
        None => list.scope.clone(),
        Some(id) if !list.scope.includes_organization(id) => return Ok(None),
        Some(id) => list.scope.within(id),
    };
    let limit = u64::from(list.size.get()) + 1;
    let rows = asset_policies::list(&app.database.reader(), &scope, list.which, list.after, limit).await?;
    Ok(Some(Page::from_overfetch(rows, list.size)))
}
