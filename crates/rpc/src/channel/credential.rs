//! The token by which a service shows who it is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use rolecall_kernel::time::{Clock, Timestamp};

/// A token is used for half of its life of a minute, so that none expires on its way.
const REUSE: Duration = Duration::from_secs(30);

type Issue = dyn Fn(Timestamp) -> String + Send + Sync;

/// Issues service tokens and keeps the newest while it is fresh.
pub(super) struct Credential {
    issue: Box<Issue>,
    clock: Arc<dyn Clock>,
    newest: Mutex<Option<(Timestamp, HeaderValue)>>,
}

impl Credential {
    pub(super) fn new(clock: Arc<dyn Clock>, issue: impl Fn(Timestamp) -> String + Send + Sync + 'static) -> Self {
        Self { issue: Box::new(issue), clock, newest: Mutex::new(None) }
    }

    /// Returns the value of the `authorization` header.
    pub(super) fn header(&self) -> HeaderValue {
        let now = self.clock.now();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((issued, header)) = &*newest
            && (*issued..issued.plus(REUSE)).contains(&now)
        {
            return header.clone();
        }
        let header = bearer(&(self.issue)(now));
        *newest = Some((now, header.clone()));
        header
    }
}

/// A token is base64url and dots, so it always is a header value; an empty one is refused by the callee.
fn bearer(token: &str) -> HeaderValue {
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).unwrap_or(HeaderValue::from_static("Bearer"));
    header.set_sensitive(true);
    header
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn a_token_is_reused_for_half_of_its_life_and_never_across_a_clock_that_went_back() {
        let hand = Arc::new(Hand::default());
        let issued = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&issued);
        let clock: Arc<dyn Clock> = Arc::clone(&hand) as _;
        let credential =
            Credential::new(clock, move |now| format!("{}-{}", now.as_seconds(), count.fetch_add(1, Ordering::SeqCst)));
        let mut seen = Vec::new();
        for seconds in [0, 29, 30, 59, 60, 5] {
            hand.0.store(seconds, Ordering::SeqCst);
            seen.push(credential.header().to_str().expect("text").to_owned());
        }
        assert_eq!(seen, ["Bearer 0-0", "Bearer 0-0", "Bearer 30-1", "Bearer 30-1", "Bearer 60-2", "Bearer 5-3"]);
        assert!(credential.header().is_sensitive());
        assert!(!format!("{credential:?}").contains("Bearer"));
    }
}
