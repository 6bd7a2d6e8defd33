//! The name of a call: what the client sees is what the logs hold.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderValue, Request};
use rolecall_authz::CallId;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id;
use rolecall_kernel::time::Clock;
use tonic::body::Body;
use tracing::Span;

use super::step::{Answer, Rest, Step};
use crate::REQUEST_ID;

/// The longest name that is taken from a client.
const MAX: usize = 64;

/// Takes the call's name from its client or makes one.
#[derive(Clone)]
pub(super) struct Identify {
    clock: Arc<dyn Clock>,
    entropy: Arc<Batches>,
}

/// Random bytes, asked for in batches: names are unique and no secrets, and to ask for each costs more than all else
/// about it.
#[derive(Debug)]
struct Batches {
    source: Arc<dyn Entropy>,
    left: Mutex<Vec<u8>>,
}

impl Batches {
    const BYTES: usize = 4_096;
}

impl Entropy for Batches {
    fn fill(&self, buffer: &mut [u8]) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.len() < buffer.len() {
            left.resize(Self::BYTES.max(buffer.len()), 0);
            self.source.fill(&mut left);
        }
        let rest = left.len() - buffer.len();
        buffer.copy_from_slice(&left[rest..]);
        left.truncate(rest);
    }
}

impl Identify {
    pub(super) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy: Arc::new(Batches { source: entropy, left: Mutex::default() }) }
    }

    /// Returns the name, as the logs and as the answer hold it.
    pub(super) fn name(&self, request: &Request<Body>) -> (Arc<str>, HeaderValue) {
        let given = request.headers().get(REQUEST_ID).filter(|value| is_sensible(value.as_bytes()));
        let (name, mut value) = if let Some((value, Ok(text))) = given.map(|value| (value, value.to_str())) {
            (text.into(), value.clone())
        } else {
            let made = id::RequestId::new(self.clock.now(), &*self.entropy).to_string();
            // A UUID always is a header value.
            let value = HeaderValue::try_from(made.as_str()).unwrap_or(HeaderValue::from_static(""));
            (made.into(), value)
        };
        // It never comes again, so the table of headers that a connection remembers (RFC 7541) is kept for others.
        value.set_sensitive(true);
        (name, value)
    }
}

impl Step for Identify {
    const NAME: &'static str = "request id";

    fn handle<S: Rest>(&self, mut request: Request<Body>, rest: &S) -> impl Future<Output = Answer> + Send + 'static {
        let (id, value) = self.name(&request);
        Span::current().record("request_id", &*id);
        request.extensions_mut().insert(CallId(id));
        request.headers_mut().insert(REQUEST_ID, value.clone());
        let answer = rest.call(request);
        async move {
            let mut answer = answer.await;
            answer.headers_mut().insert(REQUEST_ID, value);
            answer
        }
    }
}

/// A UUID or another short token; nothing that could forge a line of a log.
fn is_sensible(id: &[u8]) -> bool {
    (1..=MAX).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_plain_tokens_are_taken_from_a_client() {
        for good in ["01890a5d-ac96-774b-bcce-b302099a8057", "a", "Build_7.retry-2", &"x".repeat(MAX)] {
            assert!(is_sensible(good.as_bytes()), "{good}");
        }
        for bad in ["", " ", "a b", "a\nb", "a=b", "\u{e4}", "a\"b", &"x".repeat(MAX + 1)] {
            assert!(!is_sensible(bad.as_bytes()), "{bad}");
        }
    }
}
