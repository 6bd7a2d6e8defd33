//! When a server ends, and what was left when it did.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The two steps of an end.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Cancelled when the server must finish what it has at hand.
    pub drain: CancellationToken,
    /// Cancelled when it must not even do that.
    pub abort: CancellationToken,
}

impl Shutdown {
    /// Drains at the first SIGTERM or SIGINT and aborts at the second.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::default();
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        // The tracker is not waited for: the task lives as long as the process listens.
        TaskTracker::new().spawn(shutdown.clone().follow(terminate, interrupt));
        Ok(shutdown)
    }

    async fn follow(self, mut terminate: Signal, mut interrupt: Signal) {
        for step in [self.drain, self.abort] {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
            tracing::info!("a signal asks the server to end");
            step.cancel();
        }
    }
}

impl From<CancellationToken> for Shutdown {
    fn from(drain: CancellationToken) -> Self {
        Self { drain, abort: CancellationToken::new() }
    }
}

/// What was left when a server ended; nothing, when the drain was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a drain that was cut short is worth a word"]
pub struct Drained {
    /// Connections that were cut off.
    pub connections: usize,
    /// Detached mutations that the end of the process will cut off.
    pub tasks: usize,
}

impl Drained {
    /// Tells whether everything came to its end.
    pub const fn is_complete(&self) -> bool {
        self.connections == 0 && self.tasks == 0
    }
}
