//! The span of a call, as a child of its caller's.

use std::sync::Arc;

use http::Request;
use rolecall_telemetry::context;
use tonic::body::Body;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

use super::step::{Answer, Rest, Step};
use crate::methods::Methods;

/// Opens the span.
pub(super) struct Trace {
    methods: Arc<Methods>,
}

impl Trace {
    pub(super) const fn new(methods: Arc<Methods>) -> Self {
        Self { methods }
    }

    /// The span holds no personal data: a method from the list, an id, a code.
    fn span(&self, request: &Request<Body>) -> Span {
        let method = &*self.methods.get(request.uri().path()).path;
        let span = info_span!(
            "rpc",
            otel.name = method,
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.method = method,
            rpc.code = Empty,
            request_id = Empty
        );
        context::continue_from_headers(&span, request.headers());
        span
    }
}

impl Step for Trace {
    const NAME: &'static str = "trace";

    fn handle<S: Rest>(&self, request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static {
        let span = self.span(&request);
        let answer = span.in_scope(|| rest.call(request));
        async move {
            let mut answer = answer.instrument(span.clone()).await;
            answer.body_mut().span = Some(span);
            answer
        }
    }
}
