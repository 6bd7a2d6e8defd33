//! The use cases: one a file; which snapshot answers them, and how it follows the changes.

pub(crate) mod check;
pub(crate) mod converge;
pub(crate) mod explain;
pub(crate) mod follow;
pub(crate) mod list;
pub(crate) mod world;

use std::sync::Arc;

use rolecall_db::Database;
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::time::{Clock, Timestamp};

use self::follow::Follower;
use self::list::Pins;

/// What the use cases work with.
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// The snapshot of this process.
    pub(crate) follower: Follower,
    /// Snapshots that lists are still being read from.
    pub(crate) pins: Pins,
}

impl App {
    /// Returns the current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
