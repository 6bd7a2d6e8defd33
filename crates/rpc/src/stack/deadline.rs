//! The end of a call's time: the client's, but never later than the server's.
//!
//! tonic ignores a `grpc-timeout` that it cannot read, and answers an expired one with CANCELLED; both are done here.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};

use super::StackConfig;
use super::step::{Answer, Rest, Step, refuse};
use crate::lifecycle::Lifecycle;
use crate::methods::{Method, Methods};
use crate::status::{StatusBuilder, domain, reason};
use crate::timeout;

/// When the call must have ended, for the layers further in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub(super) Instant);

/// Ends calls in time.
pub(super) struct Limit {
    unary: Duration,
    stream: Duration,
    methods: Arc<Methods>,
    lifecycle: Lifecycle,
}

impl Limit {
    pub(super) fn new(config: &StackConfig, methods: Arc<Methods>, lifecycle: Lifecycle) -> Self {
        Self { unary: config.unary_timeout, stream: config.stream_timeout, methods, lifecycle }
    }

    fn deadline(&self, method: &Method, request: &Request<Body>) -> Result<Instant, Status> {
        let most = if method.is_streaming() { self.stream } else { self.unary };
        let asked = match request.headers().get(timeout::HEADER) {
            Some(value) => timeout::parse(value).map_err(|timeout::Malformed| malformed())?,
            None => most,
        };
        Ok(Instant::now() + asked.min(most))
    }
}

impl Step for Limit {
    const NAME: &'static str = "deadline";

    fn handle<S: Rest>(&self, mut request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static {
        let method = self.methods.get(request.uri().path());
        let streams = method.server_streaming.then(|| self.lifecycle.streams.clone());
        let called = self.deadline(method, &request).map(|deadline| {
            request.extensions_mut().insert(Deadline(deadline));
            (deadline, rest.call(request))
        });
        async move {
            let (deadline, answer) = match called {
                Ok(called) => called,
                Err(status) => return refuse(status),
            };
            let Ok(mut answer) = tokio::time::timeout_at(deadline, answer).await else {
                return refuse(expired());
            };
            if let (Some(streams), false) = (streams, answer.body().is_empty()) {
                answer.body_mut().cut = Some(Box::pin(async move {
                    match tokio::time::timeout_at(deadline, streams.cancelled()).await {
                        Ok(()) => leaving(),
                        Err(_) => expired(),
                    }
                }));
            }
            answer
        }
    }
}

fn malformed() -> Status {
    let message = "The metadata `grpc-timeout` must be one to eight digits and a unit (H, M, S, m, u or n).";
    StatusBuilder::new(Code::InvalidArgument, domain::AUTHZ, reason::METADATA_INVALID, message)
        .metadata("key", "grpc-timeout")
        .build()
}

fn expired() -> Status {
    let message = "The call took longer than it may; allow more time, ask for less, or repeat it later.";
    StatusBuilder::new(Code::DeadlineExceeded, domain::AUTHZ, reason::DEADLINE_EXCEEDED, message).build()
}

fn leaving() -> Status {
    let message = "The server is going away; resume the stream on another connection.";
    StatusBuilder::new(Code::Unavailable, domain::AUTHZ, reason::SHUTTING_DOWN, message)
        .retry_after(Duration::from_millis(100))
        .build()
}
