//! What a layer is here: something done around the rest of the stack.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;

use super::answer::AnswerBody;

/// What the layers hand outwards.
pub(super) type Answer = Response<AnswerBody>;

/// The rest of the stack, seen from a layer; all calls share it, so that none has to copy it.
pub(super) trait Rest: Send + Sync + 'static {
    /// Makes the call; what comes before the first `.await` is done at once, in order.
    ///
    /// Each layer boxes its part: futures that hold each other would be copied whole from layer to layer, and one of
    /// that size is new memory for every call.
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Answer>;
}

/// What one layer does around the rest.
pub(super) trait Step: Send + Sync + 'static {
    /// The layer's name in [`LAYERS`](super::LAYERS).
    const NAME: &'static str;

    /// Handles the call; what comes before the first `.await` of the rest is done at once, in order.
    fn handle<S: Rest>(&self, request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static;
}

/// A step around the rest of the stack.
pub(super) struct Layered<T, S> {
    step: T,
    rest: S,
}

impl<T, S> Layered<T, S> {
    pub(super) const fn new(step: T, rest: S) -> Self {
        Self { step, rest }
    }
}

impl<T: Step, S: Rest> Rest for Layered<T, S> {
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Answer> {
        Trail::mark(&request, T::NAME);
        self.step.handle(request, &self.rest).boxed()
    }
}

/// Answers with an error before any message.
pub(super) fn refuse(status: Status) -> Answer {
    status.into_http::<Body>().map(AnswerBody::new)
}

/// The layers that a request passed, for the test of their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail(Arc<Mutex<Vec<&'static str>>>);

impl Trail {
    /// Notes that the request arrived at a layer, when a test wants to know.
    pub(super) fn mark(request: &Request<Body>, layer: &'static str) {
        if cfg!(test)
            && let Some(Self(passed)) = request.extensions().get()
        {
            passed.lock().unwrap_or_else(PoisonError::into_inner).push(layer);
        }
    }

    /// Returns the layers that were passed.
    #[cfg(test)]
    pub(super) fn passed(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
