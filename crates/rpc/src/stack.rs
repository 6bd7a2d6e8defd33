//! The layers that every call passes, in order.

mod admission;
mod answer;
mod boundary;
mod deadline;
mod errors;
mod limits;
mod metrics;
mod panics;
mod plain;
mod request_id;
mod step;
mod trace;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use rolecall_authz::Policy;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::time::Clock;
use rolecall_telemetry::red::RpcMetrics;
use serde::Deserialize;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Layer, Service};

use crate::lifecycle::Lifecycle;
use crate::methods::Methods;
use step::{Layered, Step as _};

pub use limits::Limited;
pub(crate) use plain::Plain;

/// The layers from the outside in, each with the reason why it stands where it stands.
pub const LAYERS: [(&str, &str); 9] = [
    (trace::Trace::NAME, "first, so that all that follows is logged and traced as part of the call"),
    (metrics::Metrics::NAME, "outside of whatever may refuse, so that refusals are counted too"),
    (request_id::Identify::NAME, "before any answer can be made, so that every answer carries the id"),
    (errors::Seal::NAME, "outside of all that fails: details are completed and internal text is held back"),
    (panics::Catch::NAME, "inside of the seal, which turns the panic into INTERNAL with a request id"),
    (deadline::Limit::NAME, "before the waiting begins, so that no queue or look-up outlasts the caller"),
    (admission::Admit::NAME, "before signatures are verified, so that a flood costs little"),
    (boundary::AUTHENTICATION, "on the head of the request, before a byte of its body is read"),
    (limits::NAME, "next to the service: only callers that passed may make the server read a body"),
];

/// The bounds of the stack.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StackConfig {
    /// How many unary calls may be in flight; beyond, calls are refused at once.
    pub max_calls: usize,
    /// How many streaming calls may be in flight.
    pub max_streams: usize,
    /// How long a unary call may take, whatever its client allows.
    #[serde(with = "humantime_serde")]
    pub unary_timeout: Duration,
    /// How long a streaming call may take.
    #[serde(with = "humantime_serde")]
    pub stream_timeout: Duration,
}

impl Default for StackConfig {
    fn default() -> Self {
        Self {
            max_calls: 1_000,
            max_streams: 4_000,
            unary_timeout: Duration::from_secs(10),
            stream_timeout: Duration::from_hours(1),
        }
    }
}

/// What the stack needs beside its bounds, its services and the layer that authenticates.
#[derive(Debug, Clone)]
pub struct Tools {
    /// Which methods there are.
    pub methods: Arc<Methods>,
    /// Where calls are counted.
    pub metrics: RpcMetrics,
    /// The time in request ids.
    pub clock: Arc<dyn Clock>,
    /// The randomness in request ids.
    pub entropy: Arc<dyn Entropy>,
}

impl Tools {
    /// Makes the tools of a server: `descriptors` are the encoded descriptor sets of what is served, the policy says
    /// how large their requests may be. Call it after telemetry is set up.
    pub fn new(
        descriptors: &[&[u8]],
        policy: &Policy,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, prost::DecodeError> {
        let limit = |path: &str| policy.rule(path).map(|rule| rule.max_request_bytes);
        let methods = Arc::new(Methods::from_descriptors(descriptors, limit)?);
        let metrics = RpcMetrics::new(methods.paths().map(str::to_owned));
        Ok(Self { methods, metrics, clock, entropy })
    }
}

/// The services behind all layers; cheap to clone, the same for calls from the network and from within.
#[derive(Clone)]
pub struct Stack(Arc<Whole>);

struct Whole {
    layers: Box<dyn boundary::Outside>,
    plain: Plain,
    lifecycle: Lifecycle,
}

impl Stack {
    /// Serves a call.
    pub(crate) fn serve(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
        self.0.layers.serve(request)
    }

    /// Returns what the shutdown waits for and ends.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.0.lifecycle
    }

    /// Returns what makes calls of the requests that the services do not answer.
    pub(crate) fn plain(&self) -> &Plain {
        &self.0.plain
    }
}

impl Service<Request<Body>> for Stack {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.serve(request)
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("lifecycle", &self.0.lifecycle).finish_non_exhaustive()
    }
}

/// Puts the layers around the services; `authentication` is the `AuthLayer` of `rolecall_authz`, or what a test puts
/// in its place.
pub fn build<A>(routes: Routes, authentication: &A, config: &StackConfig, tools: Tools) -> Stack
where
    A: Layer<Limited<Routes>>,
    A::Service: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    <A::Service as Service<Request<Body>>>::Future: Send + 'static,
{
    let lifecycle = Lifecycle::default();
    let Tools { methods, metrics, clock, entropy } = tools;
    let services = Limited::new(routes.prepare(), Arc::clone(&methods));
    let stack = boundary::Boundary::new(authentication.layer(services));
    let admit = admission::Admit::new(config, Arc::clone(&methods), lifecycle.clone());
    let identify = request_id::Identify::new(clock, entropy);
    let plain = Plain::new(identify.clone(), admit.clone());
    let stack = Layered::new(admit, stack);
    let stack = Layered::new(deadline::Limit::new(config, Arc::clone(&methods), lifecycle.clone()), stack);
    let stack = Layered::new(panics::Catch, stack);
    let stack = Layered::new(errors::Seal, stack);
    let stack = Layered::new(identify, stack);
    let stack = Layered::new(metrics::Metrics::new(metrics, Arc::clone(&methods)), stack);
    let stack = Layered::new(trace::Trace::new(methods), stack);
    Stack(Arc::new(Whole { layers: Box::new(stack), plain, lifecycle }))
}

#[cfg(test)]
mod tests;
