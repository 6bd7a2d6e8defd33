//! The way into the own process: the same layers, the same codec, no socket.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt as _;

use crate::stack::Stack;
use crate::status::{StatusBuilder, domain, reason};

/// Marks a request that never left the process; a header could be forged, this cannot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InProcess;

/// Where the stack is put that a local [`Channel`](super::Channel) leads to.
///
/// The contexts hold channels and the stack holds the contexts, so the slot is filled last and emptied first.
#[derive(Clone, Default)]
pub struct LocalSlot(Arc<RwLock<Option<Stack>>>);

impl LocalSlot {
    /// Binds the stack; calls are answered from now on.
    pub fn bind(&self, stack: Stack) {
        self.set(Some(stack));
    }

    /// Lets go of the stack at the end of the process, so that what it holds can be closed.
    pub fn release(&self) {
        self.set(None);
    }

    fn set(&self, stack: Option<Stack>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = stack;
    }

    fn get(&self) -> Option<Stack> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls the stack that is bound.
    pub(super) async fn call(self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let stack = self.get().ok_or_else(unbound)?;
        request.extensions_mut().insert(InProcess);
        Ok(stack.oneshot(request).await.unwrap_or_else(|never| match never {}))
    }
}

impl fmt::Debug for LocalSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSlot").field("bound", &self.get().is_some()).finish()
    }
}

fn unbound() -> Status {
    let message = "A service that this call needs is not there yet; repeat the call.";
    StatusBuilder::new(Code::Unavailable, domain::AUTHZ, reason::UNREACHABLE, message)
        .retry_after(Duration::from_secs(1))
        .build()
}
