//! What a decision stands on, for people.

use rolecall_authz::Scope;
use rolecall_kernel::time::Timestamp;

use super::decide::{Decision, Demand, Fact, Question, Reason, Recorder, decide};
use super::snapshot::Snapshot;

/// One demand, and the fact behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Predicate {
    pub(crate) demand: Demand,
    pub(crate) holds: bool,
    pub(crate) fact: Fact,
}

/// A rule, and what it demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: Box<str>,
    pub(crate) predicates: Vec<Predicate>,
}

impl Rule {
    /// Tells whether all that it demands is given.
    pub(crate) fn holds(&self) -> bool {
        self.predicates.iter().all(|predicate| predicate.holds)
    }

    fn missing(&self) -> impl Iterator<Item = &Predicate> {
        self.predicates.iter().filter(|predicate| !predicate.holds)
    }
}

/// A decision, and all that was asked on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) decision: Decision,
    pub(crate) gates: Vec<Predicate>,
    pub(crate) rules: Vec<Rule>,
    /// All that would have to change, of the rule that misses least.
    pub(crate) nearest_miss: Vec<Predicate>,
}

/// Writes everything down.
#[derive(Debug, Default)]
struct Tree {
    gates: Vec<Predicate>,
    rules: Vec<Rule>,
}

impl Recorder for Tree {
    const EXHAUSTIVE: bool = true;

    fn rule(&mut self, name: &str) {
        self.rules.push(Rule { name: name.into(), predicates: Vec::new() });
    }

    fn demand(&mut self, demand: Demand, holds: bool, fact: impl FnOnce() -> Fact) {
        let predicate = Predicate { demand, holds, fact: fact() };
        match self.rules.last_mut() {
            Some(rule) => rule.predicates.push(predicate),
            None => self.gates.push(predicate),
        }
    }
}

/// Decides a question and tells all that was asked.
pub(crate) fn explain(world: &Snapshot, sees: &Scope, question: &Question, now: Timestamp) -> Explanation {
    let mut tree = Tree::default();
    let decision = decide(world, sees, question, now, &mut tree);
    let Tree { gates, rules } = tree;
    let is_lacking = matches!(decision.reason, Reason::Lacking(_));
    let nearest_miss = if is_lacking { nearest_miss(&gates, &rules) } else { Vec::new() };
    Explanation { decision, gates, rules, nearest_miss }
}

fn nearest_miss(gates: &[Predicate], rules: &[Rule]) -> Vec<Predicate> {
    let closed = gates.iter().filter(|gate| !gate.holds);
    // Of those that miss as little, the one of which more is given.
    let nearest = rules.iter().min_by_key(|rule| {
        let missing = rule.missing().count();
        (missing, std::cmp::Reverse(rule.predicates.len() - missing))
    });
    closed.chain(nearest.into_iter().flat_map(Rule::missing)).cloned().collect()
}
