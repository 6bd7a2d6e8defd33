//! Reads organizations.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::page::{Page, PageSize};

use super::App;
use crate::domain::organization::Organization;
use crate::domain::page::Position;
use crate::domain::settings::StoredSettings;
use crate::peers::identity::IdentityUnavailable;
use crate::store::{organizations, settings};

/// Reads one organization within the scope.
pub(crate) async fn find(app: &App, scope: &Scope, id: OrganizationId) -> Result<Option<Organization>, Error> {
    organizations::find(&app.database.reader(), scope, id).await
}

/// Reads those of the organizations that exist, and their settings; for the services of the suite.
pub(crate) async fn list_by_id(
    app: &App,
    ids: &[OrganizationId],
) -> Result<Vec<(Organization, StoredSettings)>, Error> {
    settings::list_with_organizations(&app.database.reader(), ids).await
}

/// Reads the settings of one organization within the scope.
pub(crate) async fn find_settings(
    app: &App,
    scope: &Scope,
    id: OrganizationId,
) -> Result<Option<StoredSettings>, Error> {
    settings::find(&app.database.reader(), scope, id).await
}

/// Lists a page of the organizations that anyone may register with; none while the directory is off.
pub(crate) async fn list_discoverable(
    app: &App,
    after: Option<Position>,
    size: PageSize,
) -> Result<Page<(Organization, StoredSettings)>, DirectoryError> {
    if !app.identity.has_directory().await? {
        return Ok(Page { items: Vec::new(), has_more: false });
    }
    let limit = u64::from(size.get()) + 1;
    let rows = settings::list_discoverable(&app.database.reader(), after, limit).await?;
    Ok(Page::from_overfetch(rows, size))
}

/// Why there is no directory to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    /// Whether there is one is not known.
    #[error(transparent)]
    Peer(#[from] IdentityUnavailable),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] Error),
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
