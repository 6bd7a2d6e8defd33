//! How many calls are served at once: what is too much is refused at once, since a queue would hide it.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use rolecall_authz::CallId;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};

use super::StackConfig;
use super::deadline::Deadline;
use super::step::{Answer, Rest, Step, refuse};
use crate::call::{Call, Place};
use crate::channel::InProcess;
use crate::lifecycle::Lifecycle;
use crate::methods::Methods;
use crate::status::{StatusBuilder, domain, reason};

/// Admits calls and makes them the call of their task.
#[derive(Clone)]
pub(super) struct Admit {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    methods: Arc<Methods>,
    lifecycle: Lifecycle,
}

impl Admit {
    pub(super) fn new(config: &StackConfig, methods: Arc<Methods>, lifecycle: Lifecycle) -> Self {
        let calls = Arc::new(Semaphore::new(config.max_calls));
        let streams = Arc::new(Semaphore::new(config.max_streams));
        Self { calls, streams, methods, lifecycle }
    }

    fn admit(&self, request: &Request<Body>) -> Result<Place, Status> {
        let method = self.methods.get(request.uri().path());
        // A call from within is part of one that was admitted: to refuse it would waste what was done so far.
        if request.extensions().get::<InProcess>().is_some() {
            return Ok(Call::current().map_or(Place::None, |call| Place::Of { _call: call }));
        }
        if method.is_health() {
            return Ok(Place::None);
        }
        let places = if method.is_streaming() { &self.streams } else { &self.calls };
        let permit = Arc::clone(places).try_acquire_owned().map_err(|_| overloaded())?;
        Ok(Place::Own { _permit: permit })
    }

    /// Makes the call of a request that is none, if there is a place for it among the unary ones.
    pub(super) fn plain(&self, request_id: Arc<str>, deadline: Instant) -> Option<Call> {
        let permit = Arc::clone(&self.calls).try_acquire_owned().ok()?;
        let tasks = self.lifecycle.tasks.clone();
        Some(Call::new(request_id, Some(deadline), tasks, Place::Own { _permit: permit }))
    }

    fn enter(&self, request: &Request<Body>, place: Place) -> Call {
        let extensions = request.extensions();
        let request_id = extensions.get().map_or_else(|| "".into(), |CallId(id)| Arc::clone(id));
        let deadline = extensions.get().map(|Deadline(at)| *at);
        Call::new(request_id, deadline, self.lifecycle.tasks.clone(), place)
    }
}

impl Step for Admit {
    const NAME: &'static str = "admission";

    fn handle<S: Rest>(&self, request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static {
        let streams = self.methods.get(request.uri().path()).is_streaming();
        let called = self.admit(&request).map(|place| {
            let call = self.enter(&request, place);
            let answer = call.clone().sync_scope(|| rest.call(request));
            (call.clone().scope(answer), call)
        });
        async move {
            match called {
                Ok((answer, call)) => {
                    let mut answer = answer.await;
                    // A unary answer is done; were its place kept until it is read, slow readers could take them all.
                    if streams && !answer.body().is_empty() {
                        answer.body_mut().call = Some(call);
                    }
                    answer
                }
                Err(status) => refuse(status),
            }
        }
    }
}

fn overloaded() -> Status {
    let message = "The server has more calls at hand than it can finish; repeat the call later.";
    StatusBuilder::new(Code::ResourceExhausted, domain::AUTHZ, reason::OVERLOADED, message)
        .retry_after(Duration::from_secs(1))
        .build()
}
