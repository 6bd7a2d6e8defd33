//! What follows an attempt: the next one, or the end.

use std::time::Duration;

use rolecall_kernel::time::Timestamp;

use super::delivery::Suppression;

/// When to try again, and when to stop.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// Pauses after the first, second, ... try; the last one repeats.
    pub(crate) pauses: Vec<Duration>,
    /// How long after it was queued a delivery is given up.
    pub(crate) give_up_after: Duration,
    /// How long the channel rests after it turned out to be unusable.
    pub(crate) channel_pause: Duration,
}

/// What a channel did with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Took it, saying this.
    Sent(String),
    /// May take it later.
    Deferred(String),
    /// Will never take it.
    Refused(String),
    /// Will never take a mail to this address.
    Bounced(String),
    /// Takes no mail at all before somebody sees to it: wrong credentials, or a refused sender.
    Unusable(String),
    /// Was not asked: the recipient does not want to be disturbed before this time.
    Held(Timestamp),
    /// Was not asked: the recipient does not want it, or a digest of that time tells it.
    Unwanted(Option<Timestamp>),
    /// Was not asked: the account of the recipient is gone.
    Gone,
    /// Was not asked: the recipient is no member any more, and it is for members.
    Left,
    /// Was not asked: the address gets no mail.
    Suppressed,
}

/// How long a mail is held at the least.
const HOLD: Duration = Duration::from_mins(1);

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Sent,
    /// Tried again at this time; `counted` tells whether the try moves it along the schedule.
    Retry {
        at: Timestamp,
        counted: bool,
    },
    Park,
    /// It is not sent, for this reason; a digest of that time tells it.
    Suppress {
        why: Suppression,
        digest: Option<Timestamp>,
    },
}

impl Schedule {
    /// Decides what follows the `tries`th try since `queued`.
    pub(crate) fn next(&self, outcome: &Outcome, tries: i32, queued: Timestamp, now: Timestamp) -> Next {
        let is_over = |at: Timestamp| at > queued.plus(self.give_up_after);
        let retry = |at, counted| if is_over(at) { Next::Park } else { Next::Retry { at, counted } };
        match outcome {
            Outcome::Sent(_) => Next::Sent,
            Outcome::Refused(_) | Outcome::Bounced(_) => Next::Park,
            Outcome::Deferred(_) => retry(now.plus(self.pause(tries)), true),
            Outcome::Unusable(_) => retry(now.plus(self.channel_pause), false),
            // Not at once, whatever the clocks of the recipient do: others wait behind it.
            Outcome::Held(until) => Next::Retry { at: (*until).max(now.plus(HOLD)), counted: false },
            Outcome::Unwanted(None) => Next::Suppress { why: Suppression::Preference, digest: None },
            Outcome::Unwanted(digest) => Next::Suppress { why: Suppression::Digest, digest: *digest },
            Outcome::Gone => Next::Suppress { why: Suppression::Deleted, digest: None },
            Outcome::Left => Next::Suppress { why: Suppression::Left, digest: None },
            Outcome::Suppressed => Next::Suppress { why: Suppression::Address, digest: None },
        }
    }

    fn pause(&self, tries: i32) -> Duration {
        let index = usize::try_from(tries - 1).unwrap_or_default();
        let pause = self.pauses.get(index).or(self.pauses.last());
        pause.copied().unwrap_or(Duration::from_hours(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn schedule() -> Schedule {
        let pauses = [1, 5, 15, 30, 60].map(|minutes| MINUTE * minutes).to_vec();
        Schedule { pauses, give_up_after: MINUTE * 60 * 72, channel_pause: MINUTE }
    }

    #[test]
    fn pauses_grow_to_an_hour_until_it_is_given_up() {
        let (queued, deferred) = (Timestamp::from_seconds(0), Outcome::Deferred(String::new()));
        let mut now = queued;
        let mut pauses = Vec::new();
        let mut tries = 1;
        while let Next::Retry { at, counted: true } = schedule().next(&deferred, tries, queued, now) {
            pauses.push(at.since(now).as_secs() / 60);
            (now, tries) = (at, tries + 1);
        }
        assert_eq!(pauses[..7], [1, 5, 15, 30, 60, 60, 60]);
        assert_eq!(schedule().next(&deferred, tries, queued, now), Next::Park);
        assert!(now.since(queued) > MINUTE * 60 * 71);
    }

    #[test]
    fn a_refusal_parks_at_once_and_an_unusable_channel_costs_no_try() {
        let now = Timestamp::from_seconds(0);
        assert_eq!(schedule().next(&Outcome::Refused(String::new()), 1, now, now), Next::Park);
        let retry = Next::Retry { at: now.plus(MINUTE), counted: false };
        assert_eq!(schedule().next(&Outcome::Unusable(String::new()), 4, now, now), retry);
        assert_eq!(schedule().next(&Outcome::Sent(String::new()), 1, now, now), Next::Sent);
    }
}
