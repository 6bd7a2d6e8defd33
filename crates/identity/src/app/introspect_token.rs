//! Tells whether an access token is good now, and whose it is (RFC 7662).

use std::sync::Arc;

use rolecall_authz::{AccessClaims, Examiner, Refusal, RowFacts, Scope, TokenError, Verified};
use rolecall_kernel::id::OrganizationId;

use super::Resources;
use super::fault::Fault;

/// A token that is good.
#[derive(Debug, Clone)]
pub(crate) struct Introspected {
    /// What it claims.
    pub(crate) claims: Arc<AccessClaims>,
    /// Where its subject belongs; none for the whole instance.
    pub(crate) organization_id: Option<OrganizationId>,
}

/// Why nothing is told about a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Whether it is good cannot be told at present.
    #[error("whether the token is good cannot be confirmed")]
    Unconfirmed(Refusal),
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

/// Examines a token as if it came with a call; none when it is not good, or its subject lies outside of the scope.
pub(crate) async fn run(
    resources: &Resources,
    examiner: &Examiner,
    token: &str,
    scope: &Scope,
) -> Result<Option<Introspected>, Error> {
    let Some(claims) = verify(resources, token).await? else { return Ok(None) };
    let Some(subject) = examiner.examine(&claims).await.map_err(Error::Unconfirmed)? else { return Ok(None) };
    let organization_id = subject.organization_id;
    let is_seen = scope.permit(RowFacts::of_subject(organization_id, claims.sub)).is_some();
    Ok(is_seen.then_some(Introspected { claims, organization_id }))
}

/// Verifies with the keys at hand; another replica may have begun to sign with a new one.
async fn verify(resources: &Resources, token: &str) -> Result<Option<Arc<AccessClaims>>, Error> {
    let mut verified = resources.verifier.verify(token);
    if matches!(verified, Err(TokenError::UnknownKey)) {
        let refreshed = resources.signer.refresh(&resources.db, resources.now()).await;
        refreshed.map_err(|error| Error::Fault(error.into()))?;
        verified = resources.verifier.verify(token);
    }
    match verified {
        Ok(Verified::Access(claims)) => Ok(Some(claims)),
        Ok(Verified::Service(_)) | Err(_) => Ok(None),
    }
}
