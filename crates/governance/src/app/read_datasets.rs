//! Reads datasets.

use rolecall_db::Error;
use rolecall_kernel::id::{DatasetId, OrganizationId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_organization::ground::Position;

use super::App;
use crate::domain::dataset::{Dataset, Filter, Reach};
use crate::store::datasets;

/// Reads one dataset that the caller reaches.
pub(crate) async fn find(app: &App, reach: &Reach, id: DatasetId) -> Result<Option<Dataset>, Error> {
    datasets::find(&app.database.reader(), reach, id).await
}

/// Which datasets to list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) reach: Reach,
    /// One organization, or everything that is reached.
    pub(crate) organization: Option<OrganizationId>,
    /// Where the caller belongs: that organization is known to it, whatever it reaches there.
    pub(crate) own: Option<OrganizationId>,
    pub(crate) filter: Filter,
    pub(crate) after: Option<Position>,
    pub(crate) size: PageSize,
}

/// Lists a page of datasets; `None` when the organization is not known to the caller.
pub(crate) async fn list(app: &App, list: &List) -> Result<Option<Page<Dataset>>, Error> {
    let is_known = |id: OrganizationId| list.own == Some(id) || list.reach.all.includes_organization(id);
    if list.organization.is_some_and(|id| !is_known(id)) {
        return Ok(None);
    }
    let limit = u64::from(list.size.get()) + 1;
    let rows =
        datasets::list(&app.database.reader(), &list.reach, list.organization, &list.filter, list.after, limit).await?;
    Ok(Some(Page::from_overfetch(rows, list.size)))
}
