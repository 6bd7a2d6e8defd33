//! How failed logins slow down the next ones: never a lockout, always the same answer.

use std::time::Duration;

use rolecall_kernel::time::Timestamp;

/// Failures in a row before tries have to wait.
const FREE_FAILURES: i64 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What is remembered of the failures in a row for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failures {
    /// How many.
    pub(crate) count: i64,
    /// Before this time a try is refused, whatever it holds.
    pub(crate) next_allowed: Timestamp,
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
    pub(crate) fn after_failure(self, now: Timestamp) -> Self {
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
    fn the_sixth_failure_waits_thirty_seconds_doubling_to_an_hour() {
        let now = Timestamp::from_seconds(1_000);
        let mut failures = Failures::NONE;
        let mut waits = Vec::new();
        for _ in 0..15 {
            failures = failures.after_failure(now);
            waits.push(failures.next_allowed.since(now).as_secs());
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn a_try_counts_again_from_the_end_of_the_wait() {
        let now = Timestamp::from_seconds(1_000);
        let failures = (0..6).fold(Failures::NONE, |failures, _| failures.after_failure(now));
        assert!(!failures.may_try(now.plus(Duration::from_millis(29_999))));
        assert!(failures.may_try(now.plus(Duration::from_secs(30))));
        assert!(Failures::NONE.may_try(Timestamp::from_micros(0)));
    }

    #[test]
    fn a_counter_never_overflows() {
        let failures = Failures { count: i64::MAX, next_allowed: Timestamp::from_micros(0) };
        assert_eq!(failures.after_failure(Timestamp::from_seconds(1)).count, i64::MAX);
    }
}
