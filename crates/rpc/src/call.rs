//! What the stack knows of the call that the current task serves.

use std::sync::{Arc, OnceLock};

use rolecall_kernel::id::SubjectId;
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
    /// Who acts as whom in the call, once it was found out and if somebody does.
    pub(crate) acting: Arc<OnceLock<Acting>>,
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

/// Somebody who acts as another subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acting {
    /// Who it is.
    pub(crate) actor: SubjectId,
    /// As whom it acts.
    pub(crate) target: SubjectId,
}

/// Notes who acts as whom in the call that the current task serves.
pub(crate) fn note_acting(acting: Acting) {
    // A call has one caller; a second one cannot come.
    let _ = CALL.try_with(|call| call.acting.set(acting));
}

/// Returns who really does what a subject does in the current call, and as whom if not as itself, for events.
pub fn who_acts(subject: Option<SubjectId>) -> (Option<SubjectId>, Option<SubjectId>) {
    let acting = CALL.try_with(|call| call.acting.get().copied()).ok().flatten();
    match acting {
        Some(acting) if Some(acting.target) == subject => (Some(acting.actor), subject),
        Some(_) | None => (subject, None),
    }
}

/// Returns when the caller of the current call stops waiting; expensive work is refused when it cannot be done by then.
pub fn deadline() -> Option<Instant> {
    CALL.try_with(|call| call.deadline).ok().flatten()
}
