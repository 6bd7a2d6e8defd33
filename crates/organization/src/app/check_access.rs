//! Decides whether a subject may do something, and says why.

use rolecall_authz::Scope;
use rolecall_db::{Error, Reader};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};

use super::App;
use crate::domain::access::{Decision, Question, Target, decide};
use crate::domain::permission::Permission;
use crate::store::{access, members, organizations, subjects};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    let permission = Permission::find(&command.permission);
    let question = Question { subject: subject.as_ref(), permission, target };
    Ok(Checked { decision: decide(&question, app.now()), revision })
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
