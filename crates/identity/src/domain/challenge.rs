//! Logins that are under way: what was proved, and what is still due.

use std::time::Duration;

use rolecall_kernel::id::{FactorId, UserId};
use rolecall_kernel::time::Timestamp;

use super::device::Carried;
use super::factor::MfaPolicy;
use super::session::AuthMethods;

/// What every challenge token begins with.
pub(crate) const PREFIX: &str = "rcc_";

/// How long an answer is waited for.
pub(crate) const LIFETIME: Duration = Duration::from_mins(10);

/// What a login still asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// A code of the second factor.
    Factor,
    /// A second factor to be set up.
    EnrollFactor,
    /// A new password.
    ChangePassword,
}

/// What a login is judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// What the person proved so far.
    pub(crate) methods: AuthMethods,
    /// Whether it has a second factor.
    pub(crate) has_factor: bool,
    /// What its organization demands.
    pub(crate) mfa: MfaPolicy,
    /// Whether the password must be replaced.
    pub(crate) change_due: bool,
}

impl Progress {
    /// What is due next; none when nothing stands between the person and its tokens.
    pub(crate) fn due(self) -> Option<Due> {
        let proved = self.methods.includes(AuthMethods::ONE_TIME_CODE);
        match (proved, self.has_factor, self.mfa) {
            (false, true, _) => Some(Due::Factor),
            (false, false, MfaPolicy::Required) => Some(Due::EnrollFactor),
            // Last, so that nobody replaces a password who knows only that.
            (true, _, _) | (false, false, MfaPolicy::Optional) => self.change_due.then_some(Due::ChangePassword),
        }
    }
}

/// What is known of a person now, whatever it proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The hash of its password.
    pub(crate) password_hash: Option<String>,
    /// Whether it must set a new password.
    pub(crate) change_required: bool,
    /// Whether it has a second factor, be it one that was switched off.
    pub(crate) has_factor: bool,
}

/// A login that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// Who logs in.
    pub(crate) user_id: UserId,
    /// A keyed hash of the credential that was proved: the challenge ends when it is another.
    pub(crate) credential: [u8; 32],
    /// What the login carries along.
    pub(crate) carried: Carried,
    /// What was proved.
    pub(crate) methods: AuthMethods,
    /// Whether the password that was proved is too short by now.
    pub(crate) change_due: bool,
    /// The factor that is being set up.
    pub(crate) factor_id: Option<FactorId>,
    /// When it ends.
    pub(crate) expires: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: AuthMethods = AuthMethods::PASSWORD;
    const BOTH: AuthMethods = AuthMethods::PASSWORD.and(AuthMethods::ONE_TIME_CODE);

    fn due(methods: AuthMethods, has_factor: bool, mfa: MfaPolicy, change_due: bool) -> Option<Due> {
        Progress { methods, has_factor, mfa, change_due }.due()
    }

    #[test]
    fn who_has_a_factor_shows_it_whatever_the_organization_demands() {
        for mfa in [MfaPolicy::Required, MfaPolicy::Optional] {
            for change_due in [true, false] {
                assert_eq!(due(PASSWORD, true, mfa, change_due), Some(Due::Factor));
            }
        }
    }

    #[test]
    fn who_has_none_sets_one_up_where_it_is_required() {
        for change_due in [true, false] {
            assert_eq!(due(PASSWORD, false, MfaPolicy::Required, change_due), Some(Due::EnrollFactor));
        }
        assert_eq!(due(PASSWORD, false, MfaPolicy::Optional, false), None);
    }

    #[test]
    fn a_new_password_is_due_last() {
        assert_eq!(due(PASSWORD, false, MfaPolicy::Optional, true), Some(Due::ChangePassword));
        for mfa in [MfaPolicy::Required, MfaPolicy::Optional] {
            assert_eq!(due(BOTH, true, mfa, true), Some(Due::ChangePassword));
            assert_eq!(due(BOTH, true, mfa, false), None);
        }
    }
}
