//! Tokens that end before their time.

use rolecall_kernel::id::{KeyId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;

/// Which tokens end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// All of a session.
    Session(SessionId),
    /// All of a subject that were issued before a time.
    Subject(SubjectId, Timestamp),
    /// All that were signed with a key.
    Key(KeyId),
}

/// Tokens that are no longer good, and until when that has to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// Which tokens.
    pub(crate) revoked: Revoked,
    /// When the last of them would have ended by itself.
    pub(crate) expires: Timestamp,
}
