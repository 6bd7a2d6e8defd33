//! Login sessions: how long they live, and which of them end when there are too many.

use std::time::Duration;

use rolecall_kernel::id::{SessionId, UserId};
use rolecall_kernel::time::Timestamp;

/// How long sessions and their tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    /// Life of an access token.
    pub(crate) access: Duration,
    /// A session ends when no refresh happens for this long.
    pub(crate) idle: Duration,
    /// A session ends this long after its login, whatever happens.
    pub(crate) absolute: Duration,
    /// A repeated refresh within this time gets the same successor.
    pub(crate) grace: Duration,
}

/// A login session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct Session {
    /// Identifier, the `sid` of its tokens.
    pub(crate) session_id: SessionId,
    /// Whose it is.
    pub(crate) user_id: UserId,
    /// When the person authenticated.
    pub(crate) auth_time: Timestamp,
    /// When it ends without a refresh.
    pub(crate) idle_expires: Timestamp,
    /// When it ends at the latest.
    pub(crate) absolute_expires: Timestamp,
    /// Whether it was ended.
    pub(crate) ended: bool,
}

impl Session {
    /// Begins a session for a person that authenticated at `now`.
    pub(crate) fn begin(session_id: SessionId, user_id: UserId, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        let absolute_expires = now.plus(lifetimes.absolute);
        Self {
            session_id,
            user_id,
            auth_time: now,
            idle_expires: now.plus(lifetimes.idle).min(absolute_expires),
            absolute_expires,
            ended: false,
        }
    }

    /// Whether its tokens are good.
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        !self.ended && now < self.idle_expires && now < self.absolute_expires
    }

    /// The session after a refresh: the idle time begins anew, the absolute end stays.
    #[must_use]
    pub(crate) fn refreshed(&self, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        Self { idle_expires: now.plus(lifetimes.idle).min(self.absolute_expires), ..*self }
    }

    /// When an access token issued now ends: never after the session.
    pub(crate) fn access_expires(&self, now: Timestamp, lifetimes: &Lifetimes) -> Timestamp {
        now.plus(lifetimes.access).min(self.absolute_expires)
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// Its person logged out.
    LoggedOut,
    /// The password was changed.
    PasswordChanged,
    /// The person was blocked.
    Blocked,
    /// The person has too many sessions.
    Evicted,
    /// A used refresh token came again.
    TokenReused,
}

impl EndReason {
    /// Returns its name in tables and events.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::PasswordChanged => "password_changed",
            Self::Blocked => "blocked",
            Self::Evicted => "evicted",
            Self::TokenReused => "token_reused",
        }
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes {
        access: Duration::from_mins(5),
        idle: Duration::from_hours(24),
        absolute: Duration::from_hours(7 * 24),
        grace: Duration::from_secs(30),
    };

    fn session(now: Timestamp) -> Session {
        let entropy = SystemEntropy;
        Session::begin(SessionId::new(now, &entropy), UserId::new(now, &entropy), now, &LIFETIMES)
    }

    #[test]
    fn an_idle_session_ends_after_a_day_and_a_busy_one_after_seven() {
        let start = Timestamp::from_seconds(1_000_000);
        let idle = session(start);
        assert!(idle.is_alive(start.plus(Duration::from_secs(86_399))));
        assert!(!idle.is_alive(start.plus(Duration::from_hours(24))));
        let mut busy = idle;
        let mut now = start;
        while busy.is_alive(now) {
            busy = busy.refreshed(now, &LIFETIMES);
            now = now.plus(Duration::from_mins(10));
        }
        assert_eq!(now.since(start), LIFETIMES.absolute);
    }

    #[test]
    fn an_access_token_never_outlives_its_session() {
        let start = Timestamp::from_seconds(1_000_000);
        let late = start.plus(LIFETIMES.absolute).minus(Duration::from_secs(10));
        assert_eq!(session(start).access_expires(late, &LIFETIMES), start.plus(LIFETIMES.absolute));
        assert_eq!(session(start).access_expires(start, &LIFETIMES), start.plus(LIFETIMES.access));
    }

    #[test]
    fn an_ended_session_is_not_alive() {
        let start = Timestamp::from_seconds(1_000_000);
        assert!(!Session { ended: true, ..session(start) }.is_alive(start));
    }
}
