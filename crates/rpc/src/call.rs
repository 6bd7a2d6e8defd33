//! What the stack knows of the call that the current task serves.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

tokio::task_local! {
    static CALL: Call;
}

/// The call that is being served; cloned into the work that outlives it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The name under which the client and the logs know the call.
    pub(crate) request_id: Arc<str>,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// Where work is spawned that the shutdown waits for.
    pub(crate) tasks: TaskTracker,
    /// The call's place among those in flight: work that outlives the call keeps it.
    pub(crate) permit: Option<Arc<OwnedSemaphorePermit>>,
}

impl Call {
    /// Returns the call of the current task.
    pub(crate) fn current() -> Option<Self> {
        CALL.try_with(Clone::clone).ok()
    }

    /// Runs the future as part of this call.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CALL.scope(self, future)
    }

    /// Runs the function as part of this call.
    pub(crate) fn sync_scope<T>(self, run: impl FnOnce() -> T) -> T {
        CALL.sync_scope(self, run)
    }
}

/// Returns the request id of the call that the current task serves, for audit rows and events.
pub fn request_id() -> Option<Arc<str>> {
    CALL.try_with(|call| Arc::clone(&call.request_id)).ok()
}

/// Returns when the caller of the current call stops waiting; expensive work is refused when it cannot be done by then.
pub fn deadline() -> Option<Instant> {
    CALL.try_with(|call| call.deadline).ok().flatten()
}
