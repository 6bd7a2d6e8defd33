//! Reads models.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::{ModelId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_organization::ground::Position;

use super::App;
use crate::domain::model::Model;
use crate::store::models;

/// Reads one model within the scope.
pub(crate) async fn find(app: &App, scope: &Scope, id: ModelId) -> Result<Option<Model>, Error> {
    models::find(&app.database.reader(), scope, id).await
}

/// Which models to list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) scope: Scope,
    /// One organization, or all of the scope.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) after: Option<Position>,
    pub(crate) size: PageSize,
}

/// Lists a page of models; `None` when the organization lies outside of the scope.
pub(crate) async fn list(app: &App, list: &List) -> Result<Option<Page<Model>>, Error> {
    let scope = match list.organization {
        None => list.scope.clone(),
        Some(id) if !list.scope.includes_organization(id) => return Ok(None),
        Some(id) => list.scope.within(id),
    };
    let limit = u64::from(list.size.get()) + 1;
    let rows = models::list(&app.database.reader(), &scope, list.after, limit).await?;
    Ok(Some(Page::from_overfetch(rows, list.size)))
}
