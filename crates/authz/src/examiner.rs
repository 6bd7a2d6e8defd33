//! Whether a token that a caller shows is good: by what this process knows, as if it had called with it.

use std::sync::Arc;

use rolecall_kernel::id::SubjectId;
use tonic::{Request, Status};

use crate::access::SubjectAccess;
use crate::caller::ruling;
use crate::layer::{Authorizer, min_revision};
use crate::refusal::Refusal;
use crate::token::claims::AccessClaims;

/// Whoever decides about the calls of this process, asked about somebody who does not call, or the token of somebody else.
#[derive(Debug, Clone)]
pub struct Examiner {
    authorizer: Arc<Authorizer>,
    at_least: Option<i64>,
}

impl Examiner {
    /// Returns the rights of the subject of verified claims; `None` when a call with their token would be refused,
    /// whatever its method. Takes a few microseconds unless somebody must be asked.
    ///
    /// As fresh as any call: what this process changed it obeys, what others changed within the bounds of the access
    /// contract, or at the revision that the caller demanded. What cannot be confirmed is an error.
    pub async fn examine(&self, claims: &AccessClaims) -> Result<Option<Arc<SubjectAccess>>, Refusal> {
        match self.authorizer.examine(claims, self.at_least).await {
            Ok(access) => Ok(Some(access)),
            Err(refusal @ (Refusal::AccessUnconfirmed | Refusal::Internal)) => Err(refusal),
            Err(_) => Ok(None),
        }
    }

    /// Returns the rights of a subject that can act, as fresh as any call would find them; `None` of any other.
    pub async fn find_active(&self, subject: SubjectId) -> Result<Option<Arc<SubjectAccess>>, Refusal> {
        match self.authorizer.access(subject, self.at_least).await {
            Ok(access) => Ok(Some(access).filter(|access| access.is_active())),
            Err(refusal @ (Refusal::AccessUnconfirmed | Refusal::Internal)) => Err(refusal),
            Err(_) => Ok(None),
        }
    }
}

/// Returns who examines tokens for whoever calls.
pub fn examiner<T>(request: &Request<T>) -> Result<Examiner, Status> {
    let authorizer = ruling(request)?.authorizer;
    let at_least = min_revision(request.metadata().as_ref()).map_err(|refusal| refusal.into_status(None))?;
    Ok(Examiner { authorizer, at_least })
}
