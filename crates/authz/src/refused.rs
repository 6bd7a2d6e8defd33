//! Refused calls, counted until their context writes them into the audit log.
//!
//! A refusal changes nothing, so it has no transaction to be written in, and whoever is refused could fill any table by
//! calling again. So refusals are counted by caller and method, in memory that is bounded, and written every minute:
//! what was counted since is lost when the process dies.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rolecall_kernel::id::{OrganizationId, SubjectId};

/// How many callers and methods are counted apart.
const MOST: usize = 4_096;

/// How many reasons are remembered of one caller and method.
const MOST_REASONS: usize = 8;

/// Stands for all methods of callers beyond those that are counted apart.
const BEYOND: &str = "*";

/// The refused calls of one caller to one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who called; none when no good token came along.
    pub caller: Option<SubjectId>,
    /// The organization of the caller, as far as it is known.
    pub organization: Option<OrganizationId>,
    /// The path of the method; `*` for many that were too many to be counted apart.
    pub method: Arc<str>,
    /// How many calls.
    pub count: u32,
    /// Why, as the answers told.
    pub reasons: BTreeSet<String>,
}

/// Counts refused calls; clones share the counts.
#[derive(Clone, Default)]
pub struct Refusals(Arc<Mutex<Counts>>);

type Counts = HashMap<Key, Refused>;

#[derive(PartialEq, Eq, Hash)]
struct Key {
    context: Arc<str>,
    caller: Option<SubjectId>,
    method: Arc<str>,
}

impl Refusals {
    /// Counts a refused call to a method of a context.
    pub fn note(
        &self,
        context: &Arc<str>,
        method: &str,
        caller: Option<(SubjectId, Option<OrganizationId>)>,
        reason: &str,
    ) {
        let (caller, organization) = caller.map_or((None, None), |(caller, organization)| (Some(caller), organization));
        let reasons = BTreeSet::from([reason.to_owned()]);
        self.add(context, Refused { caller, organization, method: method.into(), count: 1, reasons });
    }

    /// Takes what was counted for a context; the counting begins anew.
    pub fn take(&self, context: &str) -> Vec<Refused> {
        let mut counts = self.counts();
        let mut taken: Vec<_> =
            counts.extract_if(|key, _| *key.context == *context).map(|(_, refused)| refused).collect();
        // Newest last or not: an order of its own makes what is written the same every time.
        taken.sort_unstable_by(|a, b| (&a.method, a.caller).cmp(&(&b.method, b.caller)));
        taken
    }

    /// Counts again what could not be written.
    pub fn put_back(&self, context: &str, refused: Vec<Refused>) {
        let context = context.into();
        for refused in refused {
            self.add(&context, refused);
        }
    }

    fn add(&self, context: &Arc<str>, refused: Refused) {
        let mut counts = self.counts();
        let key = Key { context: Arc::clone(context), caller: refused.caller, method: Arc::clone(&refused.method) };
        let (key, refused) = if counts.len() < MOST || counts.contains_key(&key) {
            (key, refused)
        } else {
            let method: Arc<str> = BEYOND.into();
            let key = Key { caller: None, method: Arc::clone(&method), ..key };
            (key, Refused { caller: None, organization: None, method, ..refused })
        };
        let Some(known) = counts.get_mut(&key) else {
            counts.insert(key, refused);
            return;
        };
        known.count = known.count.saturating_add(refused.count);
        known.organization = known.organization.or(refused.organization);
        let room = MOST_REASONS.saturating_sub(known.reasons.len());
        let fresh: Vec<_> = refused.reasons.difference(&known.reasons).take(room).cloned().collect();
        known.reasons.extend(fresh);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("counted", &self.counts().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn subject(id: u128) -> SubjectId {
        SubjectId::from_uuid(Uuid::from_u128(id))
    }

    #[test]
    fn calls_are_counted_by_caller_and_method_and_taken_by_context() {
        let (refusals, identity) = (Refusals::default(), Arc::from("identity"));
        let organization = OrganizationId::from_uuid(Uuid::from_u128(9));
        for reason in ["PERMISSION_MISSING", "STEP_UP_REQUIRED", "PERMISSION_MISSING"] {
            refusals.note(&identity, "/a", Some((subject(1), Some(organization))), reason);
        }
        refusals.note(&identity, "/a", Some((subject(2), None)), "PERMISSION_MISSING");
        refusals.note(&identity, "/b", None, "TOKEN_INVALID");
        refusals.note(&Arc::from("notification"), "/c", None, "CREDENTIALS_MISSING");
        let taken = refusals.take("identity");
        let counts: Vec<_> = taken.iter().map(|found| (&*found.method, found.caller, found.count)).collect();
        assert_eq!(counts, [("/a", Some(subject(1)), 3), ("/a", Some(subject(2)), 1), ("/b", None, 1)]);
        assert_eq!(taken[0].organization, Some(organization));
        assert_eq!(taken[0].reasons.len(), 2);
        assert!(refusals.take("identity").is_empty());
        refusals.note(&identity, "/b", None, "TOKEN_INVALID");
        refusals.put_back("identity", taken);
        let again: u32 = refusals.take("identity").iter().map(|found| found.count).sum();
        assert_eq!((again, refusals.take("notification").len()), (6, 1));
    }

    #[test]
    fn however_many_call_memory_stays_bounded_and_every_call_is_counted() {
        let (refusals, context) = (Refusals::default(), Arc::from("identity"));
        for id in 1..=10_000 {
            refusals.note(&context, "/a", Some((subject(id), None)), &format!("REASON_{id}"));
        }
        let taken = refusals.take("identity");
        assert_eq!(taken.len(), MOST + 1);
        assert_eq!(taken.iter().map(|found| found.count).sum::<u32>(), 10_000);
        let beyond = taken.iter().find(|found| &*found.method == BEYOND).expect("the rest");
        assert_eq!((beyond.caller, beyond.reasons.len()), (None, MOST_REASONS));
    }
}
