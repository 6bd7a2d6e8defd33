//! How much mail strangers may cause to one address.

use std::time::Duration;

use rolecall_kernel::time::Timestamp;

/// The most mails within an hour.
const AN_HOUR: usize = 5;
/// The most mails within a day.
const A_DAY: usize = 20;

/// How much is allowed within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The most within an hour.
    pub(crate) an_hour: usize,
    /// The most within a day.
    pub(crate) a_day: usize,
}

impl Limits {
    /// Those of the mails to one address.
    const MAIL: Self = Self { an_hour: AN_HOUR, a_day: A_DAY };
}

/// When the mails of the last day were sent that somebody else than their reader could cause, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct MailBudget(Vec<Timestamp>);

impl MailBudget {
    /// After this time without a mail nothing is left to remember.
    pub(crate) const MEMORY: Duration = Duration::from_hours(24);

    /// Takes the times of earlier mails, oldest first.
    pub(crate) fn new(sent: Vec<Timestamp>) -> Self {
        Self(sent)
    }

    /// Returns the times, at most as many as a day allows.
    pub(crate) fn sent(&self) -> &[Timestamp] {
        &self.0
    }

    /// The budget without one that was taken at this time.
    pub(crate) fn without(mut self, time: Timestamp) -> Self {
        if let Some(index) = self.0.iter().rposition(|sent| *sent == time) {
            self.0.remove(index);
        }
        self
    }

    /// The budget after one more mail; `None` when there must be none now.
    pub(crate) fn spend(&self, now: Timestamp) -> Option<Self> {
        self.spend_within(Limits::MAIL, now).ok()
    }

    /// The budget after one more of what these limits are for; otherwise how long to wait for the next.
    pub(crate) fn spend_within(&self, limits: Limits, now: Timestamp) -> Result<Self, Duration> {
        let wait = |span: Duration, most: usize| {
            let recent: Vec<_> = self.0.iter().filter(|sent| **sent > now.minus(span)).collect();
            // The next one may come when there is room beside all that are younger.
            let leaves = recent.len().checked_sub(most).map(|index| recent.get(index).copied().copied().unwrap_or(now));
            leaves.map(|leaves| leaves.plus(span).since(now))
        };
        let waits = [wait(Duration::from_hours(1), limits.an_hour), wait(Self::MEMORY, limits.a_day)];
        if let Some(longest) = waits.into_iter().flatten().max() {
            return Err(longest);
        }
        let recent = self.0.iter().copied().filter(|sent| *sent > now.minus(Self::MEMORY));
        Ok(Self(recent.chain([now]).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn spend_until_refused(budget: &mut MailBudget, now: Timestamp) -> usize {
        let mut mails = 0;
        while let Some(after) = budget.spend(now) {
            *budget = after;
            mails += 1;
        }
        mails
    }

    #[test]
    fn five_mails_an_hour_and_twenty_a_day_wherever_they_begin() {
        let mut budget = MailBudget::default();
        let mut now = Timestamp::from_seconds(1_000_000);
        let mut times = Vec::new();
        for _ in 0..(3 * 24 * 60) {
            times.extend(std::iter::repeat_n(now, spend_until_refused(&mut budget, now)));
            now = now.plus(MINUTE);
        }
        for (span, most) in [(60, AN_HOUR), (24 * 60, A_DAY)] {
            for from in &times {
                let within = times.iter().filter(|time| *time >= from && **time < from.plus(MINUTE * span)).count();
                assert!(within <= most, "{within} in {span} minutes");
            }
        }
        assert_eq!(times.len(), 3 * A_DAY);
        assert!(budget.sent().len() <= A_DAY);
    }

    #[test]
    fn whoever_must_wait_is_told_until_when() {
        let limits = Limits { an_hour: 2, a_day: 3 };
        let at = |minutes: u32| Timestamp::from_seconds(1_000_000).plus(MINUTE * minutes);
        let mut budget = MailBudget::default();
        for minutes in [0, 10] {
            budget = budget.spend_within(limits, at(minutes)).expect("within both");
        }
        assert_eq!(budget.spend_within(limits, at(20)), Err(MINUTE * 40));
        budget = budget.spend_within(limits, at(60)).expect("the first is an hour old");
        assert_eq!(budget.spend_within(limits, at(80)), Err(MINUTE * (24 * 60 - 80)));
        assert!(budget.spend_within(limits, at(24 * 60)).is_ok());
        assert!(MailBudget::default().spend_within(Limits { an_hour: 0, a_day: 0 }, at(0)).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_spent_again() {
        let now = Timestamp::from_seconds(1_000_000);
        let limits = Limits { an_hour: 2, a_day: 2 };
        let spend = |budget: &MailBudget| budget.spend_within(limits, now).ok();
        let full = spend(&MailBudget::default()).and_then(|one| spend(&one)).expect("two");
        assert_eq!(spend(&full), None);
        assert_eq!(spend(&full.clone().without(now)), Some(full.clone()));
        assert_eq!(full.clone().without(now.plus(MINUTE)), full);
    }

    #[test]
    fn a_mail_is_forgotten_after_a_day() {
        let now = Timestamp::from_seconds(1_000_000);
        let budget = MailBudget::default().spend(now).expect("the first");
        let later = budget.spend(now.plus(MailBudget::MEMORY)).expect("a day later");
        assert_eq!(later.sent(), [now.plus(MailBudget::MEMORY)]);
    }
}
