//! Where the answers of services become [`AnswerBody`] and where they leave the stack again.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::{Map, MapOk};
use futures::{FutureExt as _, TryFutureExt as _};
use http::{Request, Response};
use tonic::body::Body;
use tower::Service;

use super::answer::AnswerBody;
use super::step::{Answer, Rest, Trail};

/// The name of the layer that authenticates; it is built elsewhere and marked here.
pub(super) const AUTHENTICATION: &str = "authentication";

/// Stands around the layer that authenticates.
#[derive(Clone)]
pub(super) struct Boundary<S>(S);

impl<S> Boundary<S> {
    pub(super) const fn new(authenticated: S) -> Self {
        Self(authenticated)
    }
}

impl<S> Service<Request<Body>> for Boundary<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = MapOk<S::Future, fn(Response<Body>) -> Answer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Trail::mark(&request, AUTHENTICATION);
        let wrap: fn(Response<Body>) -> Answer = |response| response.map(AnswerBody::new);
        self.0.call(request).map_ok(wrap)
    }
}

/// Stands around everything.
#[derive(Clone)]
pub(super) struct Outside<S>(S);

impl<S> Outside<S> {
    pub(super) const fn new(layers: S) -> Self {
        Self(layers)
    }
}

impl<S: Rest> Service<Request<Body>> for Outside<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Map<S::Future, fn(Result<Answer, Infallible>) -> Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let unwrap: fn(Result<Answer, Infallible>) -> Result<Response<Body>, Infallible> =
            |answer| answer.map(|answer| answer.map(Body::new));
        self.0.call(request).map(unwrap)
    }
}
