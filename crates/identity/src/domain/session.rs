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

/// How long an organization lets sessions last at the most; none leaves it to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SessionLimits {
    /// Without a refresh.
    pub(crate) idle: Option<Duration>,
    /// After the login.
    pub(crate) absolute: Option<Duration>,
}

impl Lifetimes {
    /// The same, as far as an organization lets sessions last.
    #[must_use]
    pub(crate) fn within(self, limits: SessionLimits) -> Self {
        Self {
            idle: limits.idle.map_or(self.idle, |idle| idle.min(self.idle)),
            absolute: limits.absolute.map_or(self.absolute, |absolute| absolute.min(self.absolute)),
            ..self
        }
    }
}

/// How a person proved who it is: a set of RFC 8176 values, and `sso` where its identity provider knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuthMethods(u8);

impl AuthMethods {
    /// By a password.
    pub(crate) const PASSWORD: Self = Self(1);
    /// By a one-time code.
    pub(crate) const ONE_TIME_CODE: Self = Self(2);

    /// At an identity provider.
    pub(crate) const FEDERATED: Self = Self(4);
    /// There, by several factors.
    pub(crate) const FEDERATED_MULTIPLE: Self = Self(4 | 8);

    const NAMES: [(Self, &'static str); 4] =
        [(Self::PASSWORD, "pwd"), (Self::ONE_TIME_CODE, "otp"), (Self::FEDERATED, "sso"), (Self(8), "mfa")];

    /// Both these and those.
    #[must_use]
    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of these are among them.
    pub(crate) const fn includes(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Returns the names, in a fixed order.
    pub(crate) fn names(self) -> Vec<&'static str> {
        Self::NAMES.into_iter().filter(|(method, _)| self.0 & method.0 != 0).map(|(_, name)| name).collect()
    }

    /// Returns the text in tables.
    pub(crate) fn to_text(self) -> String {
        self.names().join(",")
    }

    /// Reads the text in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.split(',').try_fold(Self(0), |methods, name| {
            Self::NAMES.into_iter().find(|(_, known)| *known == name).map(|(method, _)| methods.and(method))
        })
    }
}

/// Somebody who acts as the person of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acting {
    /// Who it is.
    pub(crate) actor: UserId,
    /// Its own session, in which it began to act and with which it ends.
    pub(crate) session_id: SessionId,
    /// Whether it only reads.
    pub(crate) read_only: bool,
}

/// A login session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct Session {
    /// Identifier, the `sid` of its tokens.
    pub(crate) session_id: SessionId,
    /// Whose it is.
    pub(crate) user_id: UserId,
    /// When the person authenticated.
    pub(crate) auth_time: Timestamp,
    /// How the person authenticated.
    pub(crate) methods: AuthMethods,
    /// When its refresh token was last used.
    pub(crate) last_used: Timestamp,
    /// When it ends without a refresh.
    pub(crate) idle_expires: Timestamp,
    /// When it ends at the latest.
    pub(crate) absolute_expires: Timestamp,
    /// Whether it was ended.
    pub(crate) ended: bool,
    /// For whom its access tokens are; none for Rolecall itself.
    pub(crate) audience: Option<String>,
    /// Who acts as the person; none when the person itself does.
    pub(crate) acting: Option<Acting>,
}

impl Session {
    /// Begins a session for a person that authenticated at `now`.
    pub(crate) fn begin(
        session_id: SessionId,
        user_id: UserId,
        methods: AuthMethods,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Self {
        let absolute_expires = now.plus(lifetimes.absolute);
        Self {
            session_id,
            user_id,
            auth_time: now,
            methods,
            last_used: now,
            idle_expires: now.plus(lifetimes.idle).min(absolute_expires),
            absolute_expires,
            ended: false,
            acting: None,
            audience: None,
        }
    }

    /// When it was opened, in milliseconds: its identifier tells (RFC 9562, section 5.7). The provider of its person
    /// may have seen that long before.
    pub(crate) fn begun(&self) -> Timestamp {
        let millis = i64::try_from(self.session_id.as_uuid().as_u128() >> 80).unwrap_or(i64::MAX / 1_000);
        Timestamp::from_micros(millis.saturating_mul(1_000))
    }

    /// Whether its tokens are good.
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        !self.ended && now < self.idle_expires && now < self.absolute_expires
    }

    /// The session after a refresh: the idle time begins anew, the absolute end never moves away.
    #[must_use]
    pub(crate) fn refreshed(&self, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        // Only earlier: a limit that became shorter meanwhile begins to count now.
        let absolute_expires = self.absolute_expires.min(now.plus(lifetimes.absolute));
        let idle_expires = now.plus(lifetimes.idle).min(absolute_expires);
        Self { last_used: now, idle_expires, absolute_expires, ..self.clone() }
    }

    /// The session of a person that proved once more who it is.
    #[must_use]
    pub(crate) fn reauthenticated(&self, methods: AuthMethods, now: Timestamp) -> Self {
        Self { auth_time: now, methods: self.methods.and(methods), ..self.clone() }
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
    /// Somebody who may ended it.
    Revoked,
    /// The address of the account was changed.
    EmailChanged,
    /// A second factor was added, removed or reset.
    FactorsChanged,
    /// The account was deleted.
    Deleted,
    /// Whoever acted as the person ended its own session.
    ActorEnded,
    /// The organization logs in at its identity provider alone.
    SsoRequired,
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
            Self::Revoked => "revoked",
            Self::EmailChanged => "email_changed",
            Self::FactorsChanged => "factors_changed",
            Self::Deleted => "deleted",
            Self::ActorEnded => "actor_ended",
            Self::SsoRequired => "sso_required",
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
        let (session_id, user_id) = (SessionId::new(now, &entropy), UserId::new(now, &entropy));
        Session::begin(session_id, user_id, AuthMethods::PASSWORD, now, &LIFETIMES)
    }

    /// ASVS: V7.3.1
    #[test]
    fn asvs_v7_1_1_an_idle_session_ends_after_a_day_and_a_busy_one_after_seven() {
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
    fn an_organization_makes_sessions_shorter_and_never_longer() {
        let limits = |idle, absolute| SessionLimits { idle, absolute };
        let hours = |hours| Some(Duration::from_hours(hours));
        let shorter = LIFETIMES.within(limits(hours(1), hours(8)));
        assert_eq!((shorter.idle, shorter.absolute), (Duration::from_hours(1), Duration::from_hours(8)));
        assert_eq!(LIFETIMES.within(limits(hours(1_000), hours(1_000))), LIFETIMES);
        assert_eq!(LIFETIMES.within(SessionLimits::default()), LIFETIMES);
    }

    #[test]
    fn a_limit_that_became_shorter_counts_from_the_next_refresh() {
        let start = Timestamp::from_seconds(1_000_000);
        let shorter = Lifetimes { idle: Duration::from_hours(1), absolute: Duration::from_hours(8), ..LIFETIMES };
        let later = start.plus(Duration::from_hours(2));
        let refreshed = session(start).refreshed(later, &shorter);
        assert_eq!(refreshed.idle_expires, later.plus(Duration::from_hours(1)));
        assert_eq!(refreshed.absolute_expires, later.plus(Duration::from_hours(8)));
        let again = refreshed.refreshed(later.plus(Duration::from_hours(1)), &LIFETIMES);
        assert_eq!(again.absolute_expires, refreshed.absolute_expires);
    }

    #[test]
    fn asvs_v7_4_1_an_access_token_never_outlives_its_session() {
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

    #[test]
    fn methods_are_read_as_they_were_written() {
        let both = AuthMethods::ONE_TIME_CODE.and(AuthMethods::PASSWORD);
        assert_eq!(both.names(), ["pwd", "otp"]);
        for methods in [AuthMethods::PASSWORD, AuthMethods::ONE_TIME_CODE, both] {
            assert_eq!(AuthMethods::parse(&methods.to_text()), Some(methods));
        }
        for wrong in ["", "pwd,", "PWD", "pwd otp"] {
            assert_eq!(AuthMethods::parse(wrong), None, "{wrong}");
        }
    }
}
