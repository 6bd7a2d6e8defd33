//! What a layer is here: something done around the rest of the stack.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::answer::AnswerBody;

/// What the layers hand outwards.
pub(super) type Answer = Response<AnswerBody>;

/// The rest of the stack, seen from a layer.
pub(super) trait Rest:
    Service<Request<Body>, Response = Answer, Error = Infallible, Future: Send + 'static> + Clone + Send + Sync + 'static
{
}

impl<S> Rest for S where
    S: Service<Request<Body>, Response = Answer, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// What one layer does around the rest.
pub(super) trait Step: Clone + Send + Sync + 'static {
    /// The layer's name in [`LAYERS`](super::LAYERS).
    const NAME: &'static str;

    /// Handles the call; what comes before the first `.await` of the rest is done at once, in order.
    fn handle<S: Rest>(&self, request: Request<Body>, rest: &mut S) -> impl Future<Output = Answer> + Send + 'static;
}

/// A step around the rest of the stack, as a service.
#[derive(Clone)]
pub(super) struct Layered<T, S> {
    step: T,
    rest: S,
}

impl<T, S> Layered<T, S> {
    pub(super) const fn new(step: T, rest: S) -> Self {
        Self { step, rest }
    }
}

impl<T: Step, S: Rest> Service<Request<Body>> for Layered<T, S> {
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.rest.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Trail::mark(&request, T::NAME);
        let answer = self.step.handle(request, &mut self.rest);
        Box::pin(async move { Ok(answer.await) })
    }
}

/// Takes the answer out of a result that cannot be an error.
pub(super) fn answered<T>(result: Result<T, Infallible>) -> T {
    result.unwrap_or_else(|never| match never {})
}

/// Answers with an error before any message.
pub(super) fn refuse(status: Status) -> Answer {
    status.into_http::<Body>().map(AnswerBody::new)
}

/// The layers that a request passed, for the test of their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail(Arc<Mutex<Vec<&'static str>>>);

impl Trail {
    /// Notes that the request arrived at a layer, when somebody wants to know.
    pub(super) fn mark(request: &Request<Body>, layer: &'static str) {
        if let Some(Self(passed)) = request.extensions().get() {
            passed.lock().unwrap_or_else(PoisonError::into_inner).push(layer);
        }
    }

    /// Returns the layers that were passed.
    #[cfg(test)]
    pub(super) fn passed(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
