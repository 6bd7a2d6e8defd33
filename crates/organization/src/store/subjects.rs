//! Subjects: members, service accounts and guests under one kind of id.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::{ServiceAccountId, SubjectId, UserId};
use sea_orm::ConnectionTrait;

use super::{guests, members, service_accounts};
use crate::domain::actor::Subject;

/// Finds a subject within the scope; a service account of the whole instance lies in that of all only.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    id: SubjectId,
) -> Result<Option<Subject>, Error> {
    if let Some(member) = members::find(connection, scope, UserId::from_uuid(id.as_uuid())).await? {
        return Ok(Some(Subject::Member(member)));
    }
    let account = service_accounts::find(connection, ServiceAccountId::from_uuid(id.as_uuid())).await?;
    let found = match account {
        Some(account) => Some(Subject::ServiceAccount(account)),
        None => guests::find(connection, id).await?.map(Subject::Guest),
    };
    Ok(found.filter(|subject| lies_in(subject, scope)))
}

fn lies_in(subject: &Subject, scope: &Scope) -> bool {
    match subject.organization_id() {
        Some(organization) => scope.includes_organization(organization),
        None => *scope == Scope::All,
    }
}
