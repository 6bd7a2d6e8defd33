//! How much mail strangers may cause to one address.

use std::time::Duration;

use rolecall_kernel::time::Timestamp;

/// The most mails within an hour.
const AN_HOUR: usize = 5;
/// The most mails within a day.
const A_DAY: usize = 20;

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

    /// The budget after one more mail; `None` when there must be none now.
    pub(crate) fn spend(&self, now: Timestamp) -> Option<Self> {
        let since = |span: Duration| self.0.iter().filter(|sent| **sent > now.minus(span)).count();
        if since(Duration::from_hours(1)) >= AN_HOUR || since(Self::MEMORY) >= A_DAY {
            return None;
        }
        let recent = self.0.iter().copied().filter(|sent| *sent > now.minus(Self::MEMORY));
        Some(Self(recent.chain([now]).collect()))
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
    fn a_mail_is_forgotten_after_a_day() {
        let now = Timestamp::from_seconds(1_000_000);
        let budget = MailBudget::default().spend(now).expect("the first");
        let later = budget.spend(now.plus(MailBudget::MEMORY)).expect("a day later");
        assert_eq!(later.sent(), [now.plus(MailBudget::MEMORY)]);
    }
}
