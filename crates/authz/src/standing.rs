//! Whether a caller may go on: a stream outlives the check of the call that began it.

use std::sync::Arc;

use tonic::{Request, Status};

use crate::caller::{Caller, caller, ruling};
use crate::layer::{Authorizer, Ruling};
use crate::policy::Rule;
use crate::refusal::Refusal;

/// A caller whose call goes on, and whoever decides about it.
#[derive(Debug, Clone)]
pub struct Standing {
    authorizer: Arc<Authorizer>,
    rule: Arc<Rule>,
    caller: Arc<Caller>,
}

impl Standing {
    /// Returns the caller as it was when it called.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Checks the caller as if it called now with the same token, and returns it with its rights as they are now.
    ///
    /// Takes a few microseconds unless somebody must be asked. A service of the suite goes on: its
    /// token only says who began, and it could have a new one at any time.
    pub async fn confirm(&self) -> Result<Arc<Caller>, Refusal> {
        match self.caller.shared_claims() {
            Some(claims) => self.authorizer.reconsider(&self.rule, claims).await,
            None => Ok(Arc::clone(&self.caller)),
        }
    }
}

/// Returns the standing of whoever calls; every method but a public one has a caller.
pub fn standing<T>(request: &Request<T>) -> Result<Standing, Status> {
    let Ruling { authorizer, rule } = ruling(request)?;
    Ok(Standing { authorizer, rule, caller: caller(request)? })
}
