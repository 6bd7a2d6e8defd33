//! A panic of a handler ends its call, not the connection and the calls beside it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt as _;
use http::Request;
use tonic::Status;
use tonic::body::Body;

use super::step::{Answer, Rest, Step, refuse};
use crate::status::{domain, internal};

/// Turns panics into INTERNAL.
#[derive(Clone, Copy)]
pub(super) struct Catch;

impl Step for Catch {
    const NAME: &'static str = "panics";

    fn handle<S: Rest>(&self, request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static {
        let called = catch_unwind(AssertUnwindSafe(|| rest.call(request)));
        async move {
            let answer = match called {
                Ok(answer) => AssertUnwindSafe(answer).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            answer.unwrap_or_else(|panic| refuse(defect(&*panic)))
        }
    }
}

/// Makes the error of a panic; its text is for the log only.
pub(super) fn defect(panic: &(dyn Any + Send)) -> Status {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    internal(domain::AUTHZ, format!("panic: {}", text.unwrap_or("(no text)")))
}
