//! Row locks that mean the same on both databases.

use sea_orm::QuerySelect;

/// Locks the rows a query finds until the transaction ends.
pub trait LockRows: Sized {
    /// Adds `FOR UPDATE` on PostgreSQL; SQLite needs none, since a write transaction there is alone.
    #[must_use]
    fn lock_for_update(self) -> Self;
}

impl<S: QuerySelect> LockRows for S {
    fn lock_for_update(self) -> Self {
        self.lock_exclusive()
    }
}
