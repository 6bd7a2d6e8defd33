//! Rate, errors and duration of every call.

use std::sync::Arc;

use http::Request;
use rolecall_telemetry::red::RpcMetrics;
use tokio::time::Instant;
use tonic::Code;
use tonic::body::Body;
use tracing::Span;

use super::answer;
use super::step::{Answer, Rest, Step};
use crate::methods::Methods;

/// Counts calls.
pub(super) struct Metrics {
    metrics: RpcMetrics,
    methods: Arc<Methods>,
}

impl Metrics {
    pub(super) const fn new(metrics: RpcMetrics, methods: Arc<Methods>) -> Self {
        Self { metrics, methods }
    }

    fn begin(&self, path: &str) -> Finish {
        self.metrics.begin();
        Finish {
            metrics: self.metrics.clone(),
            method: Arc::clone(&self.methods.get(path).path),
            began: Instant::now(),
            span: Span::current(),
            code: None,
        }
    }
}

impl Step for Metrics {
    const NAME: &'static str = "metrics";

    fn handle<S: Rest>(&self, request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static {
        let mut finish = self.begin(request.uri().path());
        let answer = rest.call(request);
        async move {
            let mut answer = answer.await;
            if answer.body().is_empty() {
                finish.set_code(answer::code(answer.headers()));
            } else {
                answer.body_mut().finish = Some(finish);
            }
            answer
        }
    }
}

/// Counts its call when it is dropped; without a code, the client went away before the end.
pub(super) struct Finish {
    metrics: RpcMetrics,
    method: Arc<str>,
    began: Instant,
    span: Span,
    code: Option<Code>,
}

impl Finish {
    /// Notes how the call ended.
    pub(super) fn set_code(&mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Finish {
    fn drop(&mut self) {
        let code = name(self.code.unwrap_or(Code::Cancelled));
        self.span.record("rpc.code", code);
        self.metrics.end(&self.method, code, self.began.elapsed());
    }
}

/// The code as the specification spells it.
const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
