//! Reads the sessions of a person that go on.

use rolecall_authz::Scope;
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::page::{Page, PageSize};

use super::Resources;
use super::fault::{Fault, take_faults};
use crate::domain::session::Session;
use crate::store::{sessions, users};

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within the scope.
    #[error("no such account")]
    UserNotFound,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Whose sessions to list.
#[derive(Debug)]
pub(crate) struct List {
    /// Where the caller may.
    pub(crate) scope: Scope,
    /// The person.
    pub(crate) user_id: UserId,
    /// After which session the page begins.
    pub(crate) after: Option<SessionId>,
    /// How many.
    pub(crate) size: PageSize,
}

/// Lists sessions of a person within a scope, newest first.
pub(crate) async fn list(resources: &Resources, command: &List) -> Result<Page<Session>, Error> {
    let reader = resources.db.reader();
    users::find_in_scope(&reader, command.user_id, &command.scope).await?.ok_or(Error::UserNotFound)?;
    Ok(sessions::list_alive(&reader, command.user_id, command.after, command.size, resources.now()).await?)
}
