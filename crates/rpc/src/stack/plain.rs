//! Requests that are no calls, such as those of browsers: named, bounded and waited for as calls are.

use http::{HeaderValue, Request};
use tokio::time::Instant;
use tonic::body::Body;

use super::admission::Admit;
use super::request_id::Identify;
use crate::call::Call;

/// Makes calls of plain HTTP requests, so that what serves them finds what it finds in a method.
#[derive(Clone)]
pub(crate) struct Plain {
    identify: Identify,
    admit: Admit,
}

impl Plain {
    pub(super) const fn new(identify: Identify, admit: Admit) -> Self {
        Self { identify, admit }
    }

    /// Names the request and finds it a place among the calls in flight; no call when there is none.
    pub(crate) fn enter(&self, request: &Request<Body>, deadline: Instant) -> (HeaderValue, Option<Call>) {
        let (id, name) = self.identify.name(request);
        (name, self.admit.plain(id, deadline))
    }
}
