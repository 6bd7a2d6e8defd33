//! What the stack knows of the call that the current task serves.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use rolecall_kernel::id::SubjectId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

tokio::task_local! {
    static CALL: Call;
}

/// The call that is being served; cheap to clone, and cloned into the work that outlives it.
#[derive(Clone, Debug)]
pub(crate) struct Call(Arc<Facts>);

#[derive(Debug)]
pub(crate) struct Facts {
    /// The name under which the client and the logs know the call.
    pub(crate) request_id: Arc<str>,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// Where work is spawned that the shutdown waits for.
    pub(crate) tasks: TaskTracker,
    /// Who acts as whom in the call, once it was found out and if somebody does.
    acting: OnceLock<Acting>,
    _place: Place,
}

/// A call's place among those in flight, held until the last clone of the call is gone.
#[derive(Debug)]
pub(crate) enum Place {
    /// It takes none.
    None,
    /// One of its own.
    Own { _permit: OwnedSemaphorePermit },
    /// That of the call that it is a part of.
    Of { _call: Call },
}

impl Deref for Call {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl Call {
    /// Makes a call.
    pub(crate) fn new(request_id: Arc<str>, deadline: Option<Instant>, tasks: TaskTracker, place: Place) -> Self {
        Self(Arc::new(Facts { request_id, deadline, tasks, acting: OnceLock::new(), _place: place }))
    }

    /// Returns the call for work that goes on after the answer, and so has all time; `place` is what it keeps.
    pub(crate) fn outlived(&self, place: Place) -> Self {
        let (request_id, tasks, acting) = (Arc::clone(&self.request_id), self.tasks.clone(), self.acting.clone());
        Self(Arc::new(Facts { request_id, deadline: None, tasks, acting, _place: place }))
    }

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
