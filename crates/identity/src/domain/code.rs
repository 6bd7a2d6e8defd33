//! One-time codes: each opens one change of one account, once.

use std::time::Duration;

use rolecall_kernel::id::UserId;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

/// What a code opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new password.
    Reset,
    /// Another address.
    EmailChange,
}

impl Purpose {
    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "RESET",
            Self::EmailChange => "EMAIL_CHANGE",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Reset, Self::EmailChange].into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// Returns what its codes begin with.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Reset => "rcp_",
            Self::EmailChange => "rcm_",
        }
    }

    /// Returns how long its codes work.
    pub(crate) const fn lifetime(self) -> Duration {
        match self {
            Self::Reset => Duration::from_mins(30),
            Self::EmailChange => Duration::from_hours(24),
        }
    }
}

/// A code as it is known here: all but its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    /// Whose account it is about.
    pub(crate) user_id: UserId,
    /// What it opens.
    pub(crate) purpose: Purpose,
    /// Where it was mailed, which is what using it proves; none when it was given to somebody.
    pub(crate) email: Option<EmailAddress>,
    /// A keyed hash of the roles that the person held when it was made.
    pub(crate) roles: [u8; 32],
    /// When it ends.
    pub(crate) expires: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_read_as_it_was_written_and_has_a_prefix_of_its_own() {
        for purpose in [Purpose::Reset, Purpose::EmailChange] {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
        }
        assert_eq!(Purpose::parse("INVITATION"), None);
        assert_ne!(Purpose::Reset.prefix(), Purpose::EmailChange.prefix());
    }
}
