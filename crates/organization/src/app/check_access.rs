//! Decides whether a subject may do something, and says why.

use rolecall_authz::Scope;
use rolecall_db::{Error, Reader};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};

use super::App;
use crate::domain::access::{Decision, Question, Target, decide};
use crate::domain::permission::Permission;
use crate::store::{access, members, organizations, registered_permissions, subjects};

/// What a subject wants to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// An organization, or anything inside it that needs no closer look.
    Organization(OrganizationId),
    /// The record of a person.
    User(UserId),
}

/// Who wants to do what.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    /// Where the asker may ask about subjects and resources.
    pub(crate) scope: Scope,
    pub(crate) subject: SubjectId,
    pub(crate) permission: String,
    pub(crate) resource: Resource,
}

/// A decision and the revision it was made at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) decision: Decision,
    pub(crate) revision: i64,
}

/// Decides from the tables, not from what is remembered.
pub(crate) async fn run(app: &App, command: &Command) -> Result<Checked, Error> {
    let reader = app.database.reader();
    // Read first: what is read after it is at this revision or newer.
    let revision = access::head(&reader).await?.revision;
    let subject = subjects::find(&reader, &command.scope, command.subject).await?;
    let target = find_target(&reader, &command.scope, command.resource).await?;
    let permission = find_permission(&reader, &command.permission).await?;
    let question = Question { subject: subject.as_ref(), permission: permission.as_ref(), target };
    Ok(Checked { decision: decide(&question, app.now()), revision })
}

/// Finds a permission of ours, or one that another backend registered.
async fn find_permission<'a>(reader: &Reader, name: &'a str) -> Result<Option<Permission<'a>>, Error> {
    let Some(permission) = Permission::named(name) else { return Ok(None) };
    let is_ours = Permission::find(name).is_some();
    let is_known = is_ours || !registered_permissions::find_names(reader, &[name]).await?.is_empty();
    Ok(is_known.then_some(permission))
}

async fn find_target(reader: &Reader, scope: &Scope, resource: Resource) -> Result<Option<Target>, Error> {
    Ok(match resource {
        Resource::Organization(id) => organizations::find(reader, scope, id)
            .await?
            .map(|organization| Target { organization_id: organization.organization_id, record_of: None }),
        Resource::User(id) => members::find(reader, scope, id)
            .await?
            .map(|member| Target { organization_id: member.organization_id, record_of: Some(id.into()) }),
    })
}
