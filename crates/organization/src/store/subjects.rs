//! Subjects: members, service accounts and guests under one kind of id.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::{ServiceAccountId, SubjectId, UserId};
use sea_orm::ConnectionTrait;

use super::{guests, members, organizations, service_accounts};
use crate::domain::actor::{Subject, Who};

/// Finds a subject within the scope; a service account of the whole instance lies in that of all only.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    id: SubjectId,
) -> Result<Option<Subject>, Error> {
    let Some(who) = find_who(connection, scope, id).await? else { return Ok(None) };
    let subject = Subject::from(who);
    if !lies_in(&subject, scope) {
        return Ok(None);
    }
    let organization_suspended = match subject.organization_id() {
        Some(organization) => organizations::is_suspended(connection, organization).await?,
        None => false,
    };
    Ok(Some(Subject { organization_suspended, ..subject }))
}

async fn find_who<C: ConnectionTrait>(connection: &C, scope: &Scope, id: SubjectId) -> Result<Option<Who>, Error> {
    if let Some(member) = members::find(connection, scope, UserId::from_uuid(id.as_uuid())).await? {
        return Ok(Some(Who::Member(member)));
    }
    let account = service_accounts::find(connection, ServiceAccountId::from_uuid(id.as_uuid())).await?;
    Ok(match account {
        Some(account) => Some(Who::ServiceAccount(account)),
        None => guests::find(connection, id).await?.map(Who::Guest),
    })
}

fn lies_in(subject: &Subject, scope: &Scope) -> bool {
    match subject.organization_id() {
        Some(organization) => scope.includes_organization(organization),
        None => *scope == Scope::All,
    }
}
