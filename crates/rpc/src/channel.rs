//! The way to another service, in this process or elsewhere; callers cannot tell.
//!
//! A [`Channel`] goes into any generated client: `UserServiceClient::new(channel.clone())`. Each call carries on the
//! trace, the request id and the deadline of the call that is being served, and fails with a [`Status`] that names what
//! was out of reach.

mod credential;
mod local;
mod remote;
mod unsent;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt as _;
use rolecall_authz::ServiceTokens;
use rolecall_kernel::time::Clock;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

pub(crate) use local::InProcess;
pub use local::LocalSlot;
pub use remote::{RemoteConfig, RemoteError};

use crate::call::Call;
use crate::status::{StatusBuilder, domain, reason};
use crate::timeout;
use credential::Credential;

/// A call whose answer has not begun after this time is given up, when nothing else limits it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// The way to one service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Channel {
    route: Route,
    credential: Option<Arc<Credential>>,
    answer_timeout: Duration,
}

#[derive(Clone, Debug)]
enum Route {
    Local(LocalSlot),
    Remote(tonic::transport::Channel),
}

impl Channel {
    /// Makes a way into this process and the slot to which the stack is bound once it exists.
    ///
    /// Until then every call fails with UNAVAILABLE.
    pub fn local() -> (Self, LocalSlot) {
        let slot = LocalSlot::default();
        let channel = Self { route: Route::Local(slot.clone()), credential: None, answer_timeout: ANSWER_TIMEOUT };
        (channel, slot)
    }

    /// Makes a way to another process. It connects at the first call and again whenever the connection was lost; it
    /// must be made inside the runtime.
    pub fn remote(config: &RemoteConfig) -> Result<Self, RemoteError> {
        let route = Route::Remote(remote::connect(config)?);
        Ok(Self { route, credential: None, answer_timeout: config.answer_timeout })
    }

    /// Adds a fresh service token to every call: `from` is the calling service, `to` the called one.
    #[must_use]
    pub fn authenticated(
        self,
        tokens: ServiceTokens,
        from: impl Into<String>,
        to: impl Into<String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (from, to) = (from.into(), to.into());
        let credential = Credential::new(clock, move |now| tokens.issue(&from, &to, now));
        Self { credential: Some(Arc::new(credential)), ..self }
    }

    async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        let deadline = prepare(&mut request)?;
        if let Some(credential) = &self.credential {
            request.headers_mut().insert(header::AUTHORIZATION, credential.header());
        }
        let give_up = Instant::now() + self.answer_timeout;
        let answer = async {
            match self.route {
                Route::Local(slot) => slot.call(request).await,
                Route::Remote(channel) => call_remote(channel, request).await,
            }
        };
        match tokio::time::timeout_at(deadline.map_or(give_up, |deadline| deadline.min(give_up)), answer).await {
            Ok(answer) => answer,
            Err(_) => Err(late()),
        }
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

/// Adds what a call inherits from the one being served, and returns when its caller stops waiting.
fn prepare(request: &mut Request<Body>) -> Result<Option<Instant>, Status> {
    let now = Instant::now();
    let headers = request.headers_mut();
    rolecall_telemetry::context::inject(headers);
    let own = headers.get(timeout::HEADER).and_then(|value| timeout::parse(value).ok()).map(|limit| now + limit);
    let Some(call) = Call::current() else { return Ok(own) };
    if let (false, Ok(id)) = (headers.contains_key(crate::REQUEST_ID), HeaderValue::try_from(&*call.request_id)) {
        headers.insert(crate::REQUEST_ID, id);
    }
    let Some(deadline) = [own, call.deadline].into_iter().flatten().min() else {
        return Ok(None);
    };
    if deadline <= now {
        return Err(late());
    }
    if let Some(value) = timeout::format(deadline - now) {
        headers.insert(timeout::HEADER, value);
    }
    Ok(Some(deadline))
}

async fn call_remote(channel: tonic::transport::Channel, request: Request<Body>) -> Result<Response<Body>, Status> {
    let response = unsent::call(channel, request).await.map_err(unreachable)?;
    // A connection that breaks in the middle of an answer is as unreachable as one that never came about.
    Ok(response.map(|body| Body::new(body.map_err(unreachable))))
}

fn late() -> Status {
    let message = "The service that was called did not answer in time; repeat the call.";
    StatusBuilder::new(Code::DeadlineExceeded, domain::AUTHZ, reason::DEADLINE_EXCEEDED, message).build()
}

fn unreachable(error: impl Into<tonic::codegen::StdError>) -> Status {
    let error = error.into();
    if has_expired(&*error) {
        return late();
    }
    let message = "A service that this call needs is out of reach; repeat the call.";
    StatusBuilder::new(Code::Unavailable, domain::AUTHZ, reason::UNREACHABLE, message)
        .retry_after(Duration::from_secs(1))
        .source(error)
        .build()
}

/// Tells whether tonic's own timer was faster than ours; it says CANCELLED for what is `DEADLINE_EXCEEDED`.
fn has_expired(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut chain = std::iter::successors(Some(error), |error| error.source());
    chain.any(<dyn std::error::Error>::is::<tonic::TimeoutExpired>)
}
