//! Addresses that get no mail.

use rolecall_kernel::id::SubjectId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

/// Why an address gets no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A mail server refused it for good.
    Bounce,
    /// Somebody added it.
    Manual,
}

impl Reason {
    /// Returns its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Manual => "manual",
        }
    }
}

/// An address that gets no mail.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Suppression {
    pub(crate) email: EmailAddress,
    pub(crate) reason: Reason,
    pub(crate) detail: String,
    /// None when a mail server refused it.
    pub(crate) actor: Option<SubjectId>,
    /// Whose mail was refused.
    pub(crate) recipient: Option<SubjectId>,
    pub(crate) created: Timestamp,
}
