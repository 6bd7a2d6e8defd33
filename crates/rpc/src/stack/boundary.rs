//! Where the answers of services become [`AnswerBody`] and where they leave the stack again.

use std::convert::Infallible;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::Service;

use super::answer::AnswerBody;
use super::step::{Answer, Rest, Trail};

/// The name of the layer that authenticates; it is built elsewhere and marked here.
pub(super) const AUTHENTICATION: &str = "authentication";

/// Stands around the layer that authenticates.
pub(super) struct Boundary<S>(S);

impl<S> Boundary<S> {
    pub(super) const fn new(authenticated: S) -> Self {
        Self(authenticated)
    }
}

impl<S> Rest for Boundary<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Answer> {
        Trail::mark(&request, AUTHENTICATION);
        // Nothing in there waits to be ready: routes are, and what limits calls stands further out.
        let answer = self.0.clone().call(request);
        answer.map(|Ok(response)| response.map(AnswerBody::new)).boxed()
    }
}

/// The whole stack, whatever it is made of.
pub(super) trait Outside: Send + Sync {
    fn serve(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Infallible>>;
}

impl<S: Rest> Outside for S {
    fn serve(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
        self.call(request).map(|answer| Ok(answer.map(Body::new))).boxed()
    }
}
