//! How failed logins slow down the next ones: never a lockout that a stranger can hold, always the same answer.

use std::time::Duration;

use rolecall_kernel::time::Timestamp;

/// Failures in a row before tries have to wait.
const FREE_FAILURES: i64 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Failures in a row after which a device must be known (NIST SP 800-63B-4, section 3.2.2).
const MOST_FAILURES: i64 = 100;

/// A network may fail so often at once, whatever the accounts, and once more after each of these times: 20 a minute.
const NETWORK_BURST: u32 = 20;
const NETWORK_INTERVAL: Duration = Duration::from_secs(3);

/// What is remembered of the failures in a row for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failures {
    /// How many.
    pub(crate) count: i64,
    /// Before this time a try is refused, whatever it holds.
    pub(crate) next_allowed: Timestamp,
}

/// What failures are counted of, which decides how they slow down the next tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Something that only its person has: a session, a mailed code; or an account in one network.
    Waits,
    /// An account tried by strangers, or a known device: after too many failures it takes more than a password.
    Locks,
    /// A network, over all accounts.
    Network,
}

/// What becomes of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It is judged.
    Open,
    /// It comes before its time.
    Waits,
    /// It takes more than a password.
    Locked,
}

impl Limit {
    /// Judges a try that was not looked at yet.
    pub(crate) fn judge(self, failures: Failures, now: Timestamp) -> Verdict {
        match self {
            Self::Locks if failures.count >= MOST_FAILURES => Verdict::Locked,
            Self::Waits | Self::Locks | Self::Network if failures.may_try(now) => Verdict::Open,
            Self::Waits | Self::Locks | Self::Network => Verdict::Waits,
        }
    }

    /// The state after one more failure.
    pub(crate) fn after_failure(self, failures: Failures, now: Timestamp) -> Failures {
        match self {
            Self::Waits | Self::Locks => failures.after_failure(now),
            Self::Network => {
                // A bucket that a failure fills and time empties (ITU-T I.371, generic cell rate algorithm).
                let earliest = now.minus(NETWORK_INTERVAL * (NETWORK_BURST - 2));
                let next_allowed = failures.next_allowed.plus(NETWORK_INTERVAL).max(earliest);
                Failures { count: failures.count.saturating_add(1), next_allowed }
            }
        }
    }
}

impl Failures {
    /// No failure yet.
    pub(crate) const NONE: Self = Self { count: 0, next_allowed: Timestamp::from_micros(0) };

    /// Whether a try counts now; one that does not is refused without counting, so that a stranger
    /// who keeps trying does not keep the owner out for longer.
    pub(crate) fn may_try(self, now: Timestamp) -> bool {
        self.next_allowed <= now
    }

    /// The state after one more failure: from the sixth on a wait of 30 seconds that doubles to an hour.
    fn after_failure(self, now: Timestamp) -> Self {
        let count = self.count.saturating_add(1);
        Self { count, next_allowed: now.plus(wait(count)) }
    }
}

fn wait(count: i64) -> Duration {
    let Ok(beyond) = u32::try_from(count - FREE_FAILURES - 1) else {
        return Duration::ZERO;
    };
    FIRST_WAIT.saturating_mul(1_u32.checked_shl(beyond.min(16)).unwrap_or(u32::MAX)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_v6_1_1_the_sixth_failure_waits_thirty_seconds_doubling_to_an_hour() {
        let now = Timestamp::from_seconds(1_000);
        let mut failures = Failures::NONE;
        let mut waits = Vec::new();
        for _ in 0..15 {
            failures = Limit::Waits.after_failure(failures, now);
            waits.push(failures.next_allowed.since(now).as_secs());
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn a_try_counts_again_from_the_end_of_the_wait() {
        let now = Timestamp::from_seconds(1_000);
        let failures = (0..6).fold(Failures::NONE, |failures, _| Limit::Locks.after_failure(failures, now));
        let judge = |after| Limit::Locks.judge(failures, now.plus(Duration::from_millis(after)));
        assert_eq!((judge(29_999), judge(30_000)), (Verdict::Waits, Verdict::Open));
        assert!(Failures::NONE.may_try(Timestamp::from_micros(0)));
    }

    #[test]
    fn after_a_hundred_failures_only_what_locks_takes_more_than_a_password() {
        let now = Timestamp::from_seconds(1_000_000);
        let later = now.plus(LONGEST_WAIT);
        let failed = |count| Failures { count, next_allowed: now };
        assert_eq!(Limit::Locks.judge(failed(99), later), Verdict::Open);
        assert_eq!(Limit::Locks.judge(failed(100), later), Verdict::Locked);
        assert_eq!(Limit::Waits.judge(failed(100), later), Verdict::Open);
        assert_eq!(Limit::Network.judge(failed(1_000), later), Verdict::Open);
    }

    #[test]
    fn a_network_fails_twenty_times_at_once_and_twenty_times_a_minute_from_then_on() {
        let start = Timestamp::from_seconds(1_000_000);
        let (mut failures, mut times) = (Failures::NONE, Vec::new());
        for second in 0..600 {
            let now = start.plus(Duration::from_secs(second));
            while Limit::Network.judge(failures, now) == Verdict::Open {
                failures = Limit::Network.after_failure(failures, now);
                times.push(second);
            }
        }
        assert_eq!(times.iter().filter(|second| **second == 0).count(), 20);
        for minute in 1..10_u64 {
            let within = times.iter().filter(|second| (minute * 60..(minute + 1) * 60).contains(*second)).count();
            assert_eq!(within, 20, "minute {minute}");
        }
        let rested = start.plus(Duration::from_mins(11));
        let mut burst = 0;
        while Limit::Network.judge(failures, rested) == Verdict::Open {
            failures = Limit::Network.after_failure(failures, rested);
            burst += 1;
        }
        assert_eq!(burst, 20, "a minute of peace forgives all");
    }

    #[test]
    fn a_counter_never_overflows() {
        let failures = Failures { count: i64::MAX, next_allowed: Timestamp::from_micros(0) };
        for limit in [Limit::Waits, Limit::Locks, Limit::Network] {
            assert_eq!(limit.after_failure(failures, Timestamp::from_seconds(1)).count, i64::MAX);
        }
    }
}
