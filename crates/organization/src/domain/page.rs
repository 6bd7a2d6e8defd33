//! Places in lists.

use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

/// The place of a row in a list in order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// When the row was made.
    pub created: Timestamp,
    /// Its id, which orders those of one time.
    pub id: Uuid,
}
