//! Second factors: what proves beside the password who somebody is.

use std::time::Duration;

use rolecall_kernel::id::{FactorId, UserId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;

use super::recovery_code::RecoveryCode;
use super::totp::TotpCode;

/// The most factors of one person.
pub(crate) const MAX_FACTORS: usize = 5;

/// How long a new factor waits to be confirmed.
pub(crate) const ENROLLMENT: Duration = Duration::from_mins(10);

/// What an organization demands of the logins of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MfaPolicy {
    /// A second factor.
    Required,
    /// A second factor of those who have one.
    Optional,
}

/// An authenticator app of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct Factor {
    /// Identifier.
    pub(crate) factor_id: FactorId,
    /// Whose it is.
    pub(crate) user_id: UserId,
    /// What its person calls it.
    pub(crate) name: Option<PersonName>,
    /// The secret, sealed for this factor.
    pub(crate) sealed_secret: Vec<u8>,
    /// When it was confirmed; none while it waits for that.
    pub(crate) confirmed: Option<Timestamp>,
    /// Until when it can be confirmed.
    pub(crate) expires: Timestamp,
    /// The step of the last code that was used; each serves once.
    pub(crate) last_step: i64,
    /// When it was last used.
    pub(crate) last_used: Option<Timestamp>,
}

/// What a person shows as its second factor.
#[derive(Debug, Clone)]
pub(crate) enum FactorCode {
    /// What an app shows.
    Totp(TotpCode),
    /// A code that serves once.
    Recovery(RecoveryCode),
}

impl FactorCode {
    /// What the failures of this kind of code are counted under.
    pub(crate) const fn counter(&self) -> &'static [u8] {
        match self {
            Self::Totp(_) => TOTP_FAILURES,
            Self::Recovery(_) => RECOVERY_FAILURES,
        }
    }

    /// How many failures in a row switch what such codes belong to off.
    pub(crate) const fn most_failures(&self) -> i64 {
        match self {
            Self::Totp(_) => 50,
            Self::Recovery(_) => 20,
        }
    }
}

/// What failures of authenticator apps are counted under.
pub(crate) const TOTP_FAILURES: &[u8] = b"totp failures";

/// What failures of recovery codes are counted under.
pub(crate) const RECOVERY_FAILURES: &[u8] = b"recovery code failures";
