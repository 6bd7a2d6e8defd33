//! Reads the audit log.

use std::time::Duration;

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::page::{Page, PageSize};

use super::App;
use super::audit_log::{details, lag, walk};
use crate::domain::audit::{AuditFilter, AuditPosition, Recorded, Window};
use crate::store::audit;

/// Which entries to list.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) scope: Scope,
    /// One organization, or all of the scope.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) filter: AuditFilter,
    pub(crate) window: Window,
    pub(crate) after: Option<AuditPosition>,
    pub(crate) size: PageSize,
}

/// Entries, and how far the log is behind.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) page: Page<Recorded>,
    pub(crate) lag: Duration,
}

/// Lists a page of entries; `None` when there is no such organization within the scope.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Option<Listed>, Error> {
    let Some(scope) = walk::narrow(app, &command.scope, command.organization).await? else { return Ok(None) };
    let reader = app.database.reader();
    // Asked first: what comes while we read makes the log newer than we say, never older.
    let lag = lag::run(app).await?;
    let limit = u64::from(command.size.get()) + 1;
    let rows = audit::list(&reader, &scope, &command.filter, command.window, command.after, limit).await?;
    let entries = details::open(app, &reader, rows).await?;
    Ok(Some(Listed { page: Page::from_overfetch(entries, command.size), lag }))
}
