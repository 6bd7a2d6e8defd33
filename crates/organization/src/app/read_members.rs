//! Reads memberships.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::page::{Page, PageSize};

use super::App;
use crate::domain::member::{Member, MemberState};
use crate::domain::member_filter::{MemberFilter, MemberTerm};
use crate::domain::page::Position;
use crate::store::{members, organizations};

/// Reads one membership within the scope.
pub(crate) async fn find(app: &App, scope: &Scope, user: UserId) -> Result<Option<Member>, Error> {
    members::find(&app.database.reader(), scope, user).await
}

/// Reads those of the accounts that are members; for the services of the suite.
pub(crate) async fn list_by_id(app: &App, users: &[UserId]) -> Result<Vec<Member>, Error> {
    members::list_by_id(&app.database.reader(), users).await
}

/// Lists up to `most` members of an organization who hold the role and can act now; for the services of the suite.
pub(crate) async fn list_acting(
    app: &App,
    organization: OrganizationId,
    role: MemberTerm,
    most: u64,
) -> Result<Vec<Member>, Error> {
    let terms = [role, MemberTerm::State(MemberState::Active), MemberTerm::Blocked(false)];
    let filter = MemberFilter { all: terms.into_iter().map(|term| vec![term]).collect() };
    let scope = Scope::organization(organization);
    members::list(&app.database.reader(), &scope, (&filter, app.now()), None, most).await
}

/// Lists a page of the administrators of the instance.
pub(crate) async fn list_admins(
    app: &App,
    scope: &Scope,
    after: Option<Position>,
    size: PageSize,
) -> Result<Page<Member>, Error> {
    let limit = u64::from(size.get()) + 1;
    let rows = members::list_admins(&app.database.reader(), scope, after, limit).await?;
    Ok(Page::from_overfetch(rows, size))
}

/// Which members to list.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) scope: Scope,
    /// One organization, or all of the scope.
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) filter: MemberFilter,
    pub(crate) after: Option<Position>,
    pub(crate) size: PageSize,
}

/// Lists a page of members; `None` when there is no such organization within the scope.
pub(crate) async fn list(app: &App, list: &List) -> Result<Option<Page<Member>>, Error> {
    let reader = app.database.reader();
    let scope = match list.organization {
        None => list.scope.clone(),
        Some(id) if organizations::find(&reader, &list.scope, id).await?.is_none() => return Ok(None),
        Some(id) => list.scope.within(id),
    };
    let limit = u64::from(list.size.get()) + 1;
    let rows = members::list(&reader, &scope, (&list.filter, app.now()), list.after, limit).await?;
    Ok(Some(Page::from_overfetch(rows, list.size)))
}
