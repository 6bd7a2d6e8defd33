//! Reads organizations.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::page::{Page, PageSize};

use super::App;
use crate::domain::organization::Organization;
use crate::domain::page::Position;
use crate::domain::settings::StoredSettings;
use crate::store::{organizations, settings};

/// Reads one organization within the scope.
pub(crate) async fn find(app: &App, scope: &Scope, id: OrganizationId) -> Result<Option<Organization>, Error> {
    organizations::find(&app.database.reader(), scope, id).await
}

/// Reads those of the organizations that exist; for the services of the suite.
pub(crate) async fn list_by_id(app: &App, ids: &[OrganizationId]) -> Result<Vec<Organization>, Error> {
    organizations::list_by_id(&app.database.reader(), ids).await
}

/// Reads the settings of those of the organizations that exist; for the services of the suite.
pub(crate) async fn list_settings(app: &App, ids: &[OrganizationId]) -> Result<Vec<StoredSettings>, Error> {
    settings::list_by_id(&app.database.reader(), ids).await
}

/// Lists a page of the organizations of the scope.
pub(crate) async fn list(
    app: &App,
    scope: &Scope,
    after: Option<Position>,
    size: PageSize,
) -> Result<Page<Organization>, Error> {
    let limit = u64::from(size.get()) + 1;
    let rows = organizations::list(&app.database.reader(), scope, after, limit).await?;
    Ok(Page::from_overfetch(rows, size))
}
