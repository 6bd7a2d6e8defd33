//! What the installation is called: said in every mail, asked of identity, and remembered for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rolecall_kernel::time::Timestamp;
use tokio::time::timeout;

use crate::context::Shared;

/// How long a name is taken for the one that counts.
const FRESH: Duration = Duration::from_secs(30);

/// How long nobody asks again after no answer came.
const AGAIN: Duration = Duration::from_secs(2);

/// No mail waits longer for a name: it says where it comes from in any case.
const PATIENCE: Duration = Duration::from_secs(2);

/// The name as this process last heard it.
#[derive(Debug, Default)]
pub(crate) struct InstanceName(Mutex<Heard>);

#[derive(Debug, Clone, Default)]
struct Heard {
    name: Option<String>,
    /// Until when nobody asks again.
    until: Option<Timestamp>,
}

impl InstanceName {
    fn heard(&self) -> Heard {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hear(&self, name: Option<String>, until: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Heard { name, until: Some(until) };
    }
}

/// Returns the name; nothing while it was never heard. What was known stays while identity is silent.
pub(crate) async fn get(shared: &Shared) -> Option<String> {
    let heard = shared.instance_name.heard();
    if heard.until.is_some_and(|until| shared.clock.now() < until) {
        return heard.name;
    }
    let why = match timeout(PATIENCE, shared.peers.instance_name()).await {
        Ok(Ok(name)) => {
            let name = Some(name).filter(|name| !name.is_empty());
            shared.instance_name.hear(name.clone(), shared.clock.now().plus(FRESH));
            return name;
        }
        Ok(Err(error)) => error.to_string(),
        Err(elapsed) => elapsed.to_string(),
    };
    tracing::warn!(why, "the name of the installation is not known anew");
    // Counted from after the wait, which may be as long as this.
    shared.instance_name.hear(heard.name.clone(), shared.clock.now().plus(AGAIN));
    heard.name
}
