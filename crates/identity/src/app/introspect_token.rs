//! Tells whether an access token is good now, and whose it is (RFC 7662).
//!
//! Everything is asked where it is decided: the keys and the session of the own tables, the rights of the organization
//! context. So the answer is never older than the call.

use std::sync::Arc;

use rolecall_authz::{AccessClaims, IMPERSONATE, RowFacts, Scope, SubjectKind, Verified};
use rolecall_kernel::id::{OrganizationId, SubjectId};

use super::fault::Fault;
use super::{Resources, check_session};
use crate::store::service_accounts;

/// A token that is good.
#[derive(Debug, Clone)]
pub(crate) struct Introspected {
    /// What it claims.
    pub(crate) claims: Arc<AccessClaims>,
    /// Where its subject belongs; none for the whole instance.
    pub(crate) organization_id: Option<OrganizationId>,
}

/// Examines a token; none when it is not good, or its subject lies outside of the scope.
pub(crate) async fn run(resources: &Resources, token: &str, scope: &Scope) -> Result<Option<Introspected>, Fault> {
    resources.signer.refresh(&resources.db, resources.now()).await?;
    let Ok(Verified::Access(claims)) = resources.verifier.verify(token) else {
        return Ok(None);
    };
    if resources.revocations.is_revoked(&claims) || !goes_on(resources, &claims).await? {
        return Ok(None);
    }
    let Some(subject) = resources.organization.find_subject(claims.sub).await? else {
        return Ok(None);
    };
    if let Some(actor) = &claims.act
        && !may_act(resources, actor.sub).await?
    {
        return Ok(None);
    }
    let organization_id = subject.organization_id;
    let is_seen = scope.permit(RowFacts::of_subject(organization_id, claims.sub)).is_some();
    if !(subject.active && subject.kind == Some(claims.kind) && is_seen) {
        return Ok(None);
    }
    Ok(Some(Introspected { claims, organization_id }))
}

/// Whether somebody may still act as others at all. As whom is asked on each call, where both sides are known.
async fn may_act(resources: &Resources, actor: SubjectId) -> Result<bool, Fault> {
    let found = resources.organization.find_subject(actor).await?;
    Ok(found.is_some_and(|actor| actor.active && actor.permissions.iter().any(|name| name == IMPERSONATE)))
}

/// Whether what the token stands on goes on: a session, a personal access token, or an account.
async fn goes_on(resources: &Resources, claims: &AccessClaims) -> Result<bool, Fault> {
    match (claims.kind, claims.sid) {
        (SubjectKind::User | SubjectKind::Guest, Some(session)) => Ok(check_session::run(resources, session).await?),
        (SubjectKind::User | SubjectKind::Guest, None) => Ok(false),
        (SubjectKind::ServiceAccount, _) => {
            Ok(service_accounts::find_name(&resources.db.reader(), claims.sub).await?.is_some())
        }
    }
}
