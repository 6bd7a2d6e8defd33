//! The end of a server, as far as calls are concerned.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the shutdown waits for, and what it ends; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Mutations that outlive their call, see [`detached`](crate::detached).
    pub(crate) tasks: TaskTracker,
    /// Cancelled when answers that stream must end.
    pub(crate) streams: CancellationToken,
}

impl Lifecycle {
    /// Ends every streamed answer with UNAVAILABLE, so that its client resumes it elsewhere.
    pub fn end_streams(&self) {
        self.streams.cancel();
    }

    /// Waits until no detached mutation is left.
    pub async fn wait_for_tasks(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Returns how many detached mutations run.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }
}
