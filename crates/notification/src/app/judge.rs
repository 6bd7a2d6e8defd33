//! What recipients say to mails that are about to be sent: their preferences, and how much a day may bring them.

use std::collections::HashSet;
use std::time::Duration;

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{DeliveryId, SubjectId};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::Locale;

use super::gather_digests;
use crate::domain::delivery::Due;
use crate::domain::preferences::Verdict;
use crate::domain::schedule::Outcome;
use crate::domain::template::Template;
use crate::store::deliveries;
use crate::store::preferences::{self, Wishes};

/// The time over which mails are counted: a true day, whenever it begins.
const DAY: Duration = Duration::from_hours(24);

/// What was known of recipients when their mails were claimed.
pub(crate) struct Judge {
    wishes: Wishes,
    /// Mails past what a day may bring.
    over: HashSet<DeliveryId>,
}

impl Judge {
    /// Reads what the recipients of claimed mails want, and how many they got.
    pub(crate) async fn read(tx: &Tx, claimed: &[Due], most: u16, now: Timestamp) -> Result<Self, Error> {
        let optional: Vec<&Due> = claimed.iter().filter(|due| is_optional(due)).collect();
        let recipients: Vec<SubjectId> = optional.iter().map(|due| due.recipient_id).collect();
        let wishes = preferences::list(tx, &recipients).await?;
        let mut got = deliveries::count_sent(tx, &recipients, now.minus(DAY)).await?;
        let mut over = HashSet::new();
        for due in optional.into_iter().filter(|due| !is_digest(due)) {
            let count = got.entry((due.recipient_id, due.category)).or_default();
            *count += 1;
            if *count > i64::from(most) {
                over.insert(due.delivery_id);
            }
        }
        Ok(Self { wishes, over })
    }

    /// Returns the language of a recipient, if it ever named one.
    pub(crate) fn locale(&self, due: &Due) -> Option<&Locale> {
        self.wishes.get(&due.recipient_id)?.locale.as_ref()
    }

    /// Says what becomes of a mail instead of being sent; nothing when it is sent.
    pub(crate) fn judge(&self, due: &Due, now: Timestamp) -> Option<Outcome> {
        if !is_optional(due) {
            return None;
        }
        let wishes = self.wishes.get(&due.recipient_id).cloned().unwrap_or_default();
        let verdict = if is_digest(due) {
            let variables = serde_json::from_str(&due.variables).unwrap_or_default();
            wishes.judge_digest(&gather_digests::categories(due.category, &variables), now)
        } else {
            wishes.judge(due.category, now)
        };
        match verdict {
            Verdict::Send | Verdict::Hold(_) if self.over.contains(&due.delivery_id) => {
                Some(Outcome::Unwanted(Some(wishes.next_digest(now))))
            }
            Verdict::Send => None,
            Verdict::Hold(until) => Some(Outcome::Held(until)),
            Verdict::Gather(at) => Some(Outcome::Unwanted(Some(at))),
            Verdict::Drop => Some(Outcome::Unwanted(None)),
        }
    }
}

fn is_optional(due: &Due) -> bool {
    !due.category.is_mandatory()
}

fn is_digest(due: &Due) -> bool {
    due.template == Template::Digest.as_str()
}
