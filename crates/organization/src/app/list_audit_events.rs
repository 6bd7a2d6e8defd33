//! Reads the audit log.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::page::{Page, PageSize};

use super::App;
use crate::domain::audit::{AuditEvent, AuditFilter, AuditPosition};
use crate::store::{audit, organizations};

/// Which entries to list.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) scope: Scope,
    /// One organization, or all of the scope.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) filter: AuditFilter,
    pub(crate) after: Option<AuditPosition>,
    pub(crate) size: PageSize,
}

/// Lists a page of entries; `None` when there is no such organization within the scope.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Option<Page<AuditEvent>>, Error> {
    let reader = app.database.reader();
    let scope = match command.organization {
        None => command.scope.clone(),
        Some(id) if organizations::find(&reader, &command.scope, id).await?.is_none() => return Ok(None),
        Some(id) => command.scope.within(id),
    };
    let limit = u64::from(command.size.get()) + 1;
    let rows = audit::list(&reader, &scope, &command.filter, command.after, limit).await?;
    Ok(Some(Page::from_overfetch(rows, command.size)))
}
