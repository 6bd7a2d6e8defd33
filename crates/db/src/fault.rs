//! Points at which a test can kill the process, to prove that what was begun is finished or undone.
//!
//! Nothing happens at a point unless it was armed, which only the configuration for tests does.

use std::sync::OnceLock;

static ARMED: OnceLock<String> = OnceLock::new();

/// Arms one point for the life of the process; `false` when one was armed already.
pub fn arm(name: &str) -> bool {
    ARMED.set(name.to_owned()).is_ok()
}

/// Ends the process, without cleaning up, if this point is armed.
pub fn point(name: &'static str) {
    if ARMED.get().is_some_and(|armed| armed == name) {
        tracing::error!(point = name, "the process ends here, as the configuration for tests asks");
        std::process::abort();
    }
}
