//! The evaluator: one for deciding and for explaining, so that the two cannot differ.

use rolecall_authz::Scope;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{Condition, Holding, Role, RoleSet};

pub(crate) use super::decision::{Decision, Demand, Fact, Question, Reason};
use super::facts::{Member, Policy};
use super::index::Key;
use super::snapshot::{Snapshot, Subject, Target, Who};
use super::vocabulary::{PermissionIndex, Word};

/// Hears what is demanded on the way to a decision.
pub(crate) trait Recorder {
    /// Whether it wants to hear all, rather than what decides.
    const EXHAUSTIVE: bool;
    /// A rule begins.
    fn rule(&mut self, name: &str);
    /// Something is demanded, of the rule that began last or, before all rules, of the subject.
    fn demand(&mut self, demand: Demand, holds: bool, fact: impl FnOnce() -> Fact);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silent;

impl Recorder for Silent {
    const EXHAUSTIVE: bool = false;
    fn rule(&mut self, _: &str) {}
    fn demand(&mut self, _: Demand, _: bool, _: impl FnOnce() -> Fact) {}
}

/// The reason by which a permission on a resource is held, and how far a rule came that does not hold.
enum Outcome {
    Allows(Reason),
    Lacks { demand: Demand, met: usize },
}

/// Runs through what one rule demands.
struct Run<'a, R> {
    recorder: &'a mut R,
    met: usize,
    lacking: Option<Demand>,
}

impl<'a, R: Recorder> Run<'a, R> {
    const fn new(recorder: &'a mut R) -> Self {
        Self { recorder, met: 0, lacking: None }
    }

    /// Demands something, unless what came before already decided and nobody wants to hear more.
    fn demand(&mut self, demand: Demand, holds: impl FnOnce() -> bool, fact: impl FnOnce() -> Fact) {
        if self.lacking.is_some() && !R::EXHAUSTIVE {
            return;
        }
        let holds = holds();
        self.recorder.demand(demand, holds, fact);
        match (self.lacking, holds) {
            (None, true) => self.met += 1,
            (None, false) => self.lacking = Some(demand),
            (Some(_), _) => {}
        }
    }

    fn end(self, reason: Reason) -> Outcome {
        match self.lacking {
            None => Outcome::Allows(reason),
            Some(demand) => Outcome::Lacks { demand, met: self.met },
        }
    }
}

/// Decides a question as of now, on what lies in the scope of the asker.
///
/// The first thing that is wrong with the question or the subject is the reason; else that of the rule that came
/// farthest. What an administrator may as such is asked last, so that it shows.
pub(crate) fn decide<R: Recorder>(
    world: &Snapshot,
    sees: &Scope,
    question: &Question,
    now: Timestamp,
    recorder: &mut R,
) -> Decision {
    let Some(asked) = world.vocabulary.find(&question.permission) else {
        return Decision::refused(Reason::PermissionUnknown);
    };
    let Some(subject) = world.subject(sees, question.subject, now) else {
        return Decision::refused(Reason::SubjectUnknown);
    };
    let Some(target) = world.target(sees, question.resource) else {
        return Decision::refused(Reason::ResourceUnknown);
    };
    let gate = pass_gates(&subject, now, recorder);
    if gate.is_some() && !R::EXHAUSTIVE {
        return refused(gate, Demand::PermissionHeld);
    }
    let here = Here { world, subject, target, now };
    let (found, nearest) = here.find(asked, recorder);
    match found {
        Some(decision) if gate.is_none() => decision,
        Some(_) | None => refused(gate, nearest),
    }
}

fn refused(gate: Option<Demand>, nearest: Demand) -> Decision {
    Decision::refused(Reason::Lacking(gate.unwrap_or(nearest)))
}

/// Returns the first gate that is closed.
fn pass_gates<R: Recorder>(subject: &Subject<'_>, now: Timestamp, recorder: &mut R) -> Option<Demand> {
    let mut run = Run::new(recorder);
    let (active, block) = match subject.who {
        Who::Member(member) => (member.active, member.block),
        Who::Account(_) | Who::Guest => (true, None),
    };
    let organization = || Fact::Organization(subject.organization);
    run.demand(Demand::OrganizationOperates, || !subject.shard.suspended, organization);
    run.demand(Demand::Active, || active, || Fact::None);
    let block = block.filter(|block| block.until.is_none_or(|until| now < until));
    run.demand(Demand::NotBlocked, || block.is_none(), || block.map_or(Fact::None, |block| Fact::Block(block.until)));
    run.lacking
}

/// A question whose parts are all known.
struct Here<'a> {
    world: &'a Snapshot,
    subject: Subject<'a>,
    target: Target<'a>,
    now: Timestamp,
}

impl Here<'_> {
    /// Asks all rules; returns what the first one says that allows, and what the one lacks that came farthest.
    fn find<R: Recorder>(&self, asked: PermissionIndex, recorder: &mut R) -> (Option<Decision>, Demand) {
        let (mut found, mut nearest) = (None, (Demand::PermissionHeld, 0));
        for way in self.world.vocabulary.ways(self.target.resource.kind, &asked) {
            let Some(word) = self.world.vocabulary.word(*way) else { continue };
            recorder.rule(&word.name);
            match self.ask(word, recorder) {
                Outcome::Allows(reason) if found.is_none() => found = Some(self.allowed(reason, word)),
                Outcome::Lacks { demand, met } if met > nearest.1 => nearest = (demand, met),
                Outcome::Allows(_) | Outcome::Lacks { .. } => {}
            }
            if found.is_some() && !R::EXHAUSTIVE {
                return (found, nearest.0);
            }
        }
        let administers = matches!(self.subject.who, Who::Member(member) if member.roles.contains(Role::Admin));
        if administers && found.is_none() {
            found = self.ask_as_administrator(asked, recorder);
        }
        (found, nearest.0)
    }

    /// Asks one rule, what an administrator may as such aside.
    fn ask<R: Recorder>(&self, word: &Word, recorder: &mut R) -> Outcome {
        let mut run = Run::new(recorder);
        let held = self.holding(word);
        run.demand(Demand::PermissionHeld, || held.is_some(), || self.roles());
        let related = word.relation.filter(|_| self.target.resource.kind == super::vocabulary::Kind::Dataset);
        let is_account = matches!(self.subject.who, Who::Account(_));
        let reason = match (held, related) {
            // What a program was given under such a name means the relation too.
            (_, Some(condition)) => return self.ask_relation(condition, run),
            (Some(Holding::Any), None) => Reason::RoleHoldsPermission,
            (Some(Holding::OnSelf), None) => {
                run.demand(Demand::OwnRecord, || self.target.resource.key == self.subject.key, || Fact::None);
                Reason::OwnRecord
            }
            (Some(Holding::If(condition)), None) => {
                run.demand(Demand::Condition, || false, || Fact::Condition(condition.name()));
                Reason::RoleHoldsPermission
            }
            (Some(Holding::Own) | None, None) => {
                self.demand_same_organization(&mut run);
                Reason::RoleHoldsPermission
            }
        };
        run.end(if is_account { Reason::PermissionGiven } else { reason })
    }

    /// Asks for a relation between the subject and a dataset.
    fn ask_relation<R: Recorder>(&self, condition: Condition, mut run: Run<'_, R>) -> Outcome {
        match condition {
            Condition::Registrant => {
                self.demand_same_organization(&mut run);
                let registrant = self.target.shard.datasets.get(&self.target.resource.key).copied();
                let fact = || registrant.map_or(Fact::None, Fact::RegisteredBy);
                run.demand(Demand::Registrant, || registrant == Some(self.subject.key), fact);
                run.end(Reason::Registrant)
            }
            Condition::Beneficiary => {
                self.demand_policy(&mut run);
                run.end(Reason::PolicyInForce)
            }
            Condition::Creator
            | Condition::DatasetsViewable
            | Condition::DatasetsOwn
            | Condition::ImpersonationAllowed => {
                run.demand(Demand::Condition, || false, || Fact::Condition(condition.name()));
                run.end(Reason::RoleHoldsPermission)
            }
        }
    }

    fn demand_same_organization<R: Recorder>(&self, run: &mut Run<'_, R>) {
        let (own, there) = (self.subject.organization, self.target.organization);
        // A program of the whole instance belongs to each.
        let reaches = own == there || own == super::facts::INSTANCE;
        run.demand(Demand::SameOrganization, || reaches, || Fact::Organizations(own, there));
    }

    /// Demands a policy in force that names the subject; of several the one that comes farthest is heard.
    fn demand_policy<R: Recorder>(&self, run: &mut Run<'_, R>) {
        let (now, key) = (self.now, self.subject.key);
        let has_begun = |policy: &Policy| policy.starts.is_none_or(|starts| starts <= now);
        let is_open = |policy: &Policy| policy.ends.is_none_or(|ends| now < ends);
        let grade = |policy: &Policy| {
            let (names, begun) = (policy.names(key), has_begun(policy));
            (names, names && begun, names && begun && is_open(policy))
        };
        let mut best: Option<(Key, &Policy)> = None;
        for (id, policy) in self.target.shard.opening(self.target.resource.key) {
            if best.is_none_or(|(_, known)| grade(policy) > grade(known)) {
                best = Some((id, policy));
            }
        }
        let told = |time: fn(&Policy) -> Option<Timestamp>| {
            best.map_or(Fact::None, |(id, policy)| Fact::Policy(id, time(policy)))
        };
        let meets = |test: &dyn Fn(&Policy) -> bool| best.is_some_and(|(_, policy)| test(policy));
        run.demand(Demand::Policy, || best.is_some(), || told(|_| None));
        // A program proves no address.
        run.demand(Demand::PolicyNamesSubject, || meets(&|policy| policy.names(key)), || told(|_| None));
        run.demand(Demand::PolicyStarted, || meets(&has_begun), || told(|policy| policy.starts));
        run.demand(Demand::PolicyNotEnded, || meets(&is_open), || told(|policy| policy.ends));
        let organization = || Fact::Organization(self.target.organization);
        run.demand(Demand::ResourceOperates, || !self.target.shard.suspended, organization);
    }

    /// Asks what an administrator may as such.
    fn ask_as_administrator<R: Recorder>(&self, asked: PermissionIndex, recorder: &mut R) -> Option<Decision> {
        let admin = RoleSet::default().with(Role::Admin);
        for way in self.world.vocabulary.ways(self.target.resource.kind, &asked) {
            let Some(word) = self.world.vocabulary.word(*way) else { continue };
            if word.held_by(admin) == Some(Holding::Any) {
                recorder.rule(&word.name);
                recorder.demand(Demand::Administrator, true, || Fact::Roles(admin.names()));
                let (reason, rule) = (Reason::RoleHoldsPermission, Some(word.name.clone()));
                return Some(Decision { reason, roles: admin.names(), rule, only_as_administrator: true });
            }
        }
        None
    }

    /// Returns the widest place where the subject holds a permission, what it holds as an administrator aside.
    fn holding(&self, word: &Word) -> Option<Holding> {
        match self.subject.who {
            Who::Member(member) => {
                let composed = self.composed(member, word).map(|(_, holding)| holding).max();
                // What an administrator holds on a condition is no right of its own, and asked here.
                let admin = word.held_by(member.roles).filter(|held| matches!(held, Holding::If(_)));
                word.held_by(plain(member.roles)).max(composed).max(admin)
            }
            Who::Account(account) => {
                let is_given = account.permissions.binary_search(&word.name).is_ok();
                let widest =
                    if self.subject.organization == super::facts::INSTANCE { Holding::Any } else { Holding::Own };
                is_given.then_some(widest)
            }
            // What is held on the own record, or on a condition about who somebody is, needs an account.
            Who::Guest => word
                .held_by(RoleSet::default().with(Role::Guest))
                .filter(|held| matches!(held, Holding::Own | Holding::Any)),
        }
    }

    /// Returns the composed roles of a member that hold a permission, and where.
    fn composed<'b>(&'b self, member: &'b Member, word: &'b Word) -> impl Iterator<Item = (&'b str, Holding)> {
        let held = member.custom.iter().filter_map(|place| self.subject.shard.roles.get(usize::try_from(*place).ok()?));
        held.filter_map(|role| {
            let is_given = role.permissions.binary_search(&word.name).is_ok();
            Some((role.name.as_ref(), word.held_by_composed(is_given)?))
        })
    }

    fn roles(&self) -> Fact {
        match self.subject.who {
            Who::Member(member) => {
                let custom = member.custom.iter();
                let custom = custom.filter_map(|place| self.subject.shard.roles.get(usize::try_from(*place).ok()?));
                let names = member.roles.names().into_iter().chain(custom.map(|role| role.name.to_string()));
                Fact::Roles(names.collect())
            }
            Who::Account(_) => Fact::None,
            Who::Guest => Fact::Roles(RoleSet::default().with(Role::Guest).names()),
        }
    }

    /// Tells which roles allow what was found to be allowed.
    fn allowed(&self, reason: Reason, word: &Word) -> Decision {
        let suffices = |held: Option<Holding>| match reason {
            Reason::OwnRecord => held == Some(Holding::OnSelf),
            Reason::Registrant | Reason::PolicyInForce => matches!(held, Some(Holding::If(_))),
            Reason::RoleHoldsPermission
            | Reason::PermissionGiven
            | Reason::SubjectUnknown
            | Reason::ResourceUnknown
            | Reason::PermissionUnknown
            | Reason::Lacking(_) => matches!(held, Some(Holding::Own | Holding::Any)),
        };
        let roles = match self.subject.who {
            Who::Member(member) => {
                let built_in = plain(member.roles);
                let built_in = built_in.iter().filter(|role| suffices(word.held_by(RoleSet::default().with(*role))));
                let custom = self.composed(member, word).filter(|(_, held)| suffices(Some(*held)));
                let built_in = built_in.map(|role| role.name().to_owned());
                built_in.chain(custom.map(|(name, _)| name.to_owned())).collect()
            }
            Who::Account(_) => Vec::new(),
            Who::Guest => RoleSet::default().with(Role::Guest).names(),
        };
        Decision { reason, roles, rule: Some(word.name.clone()), only_as_administrator: false }
    }
}

/// Returns the roles without that of administrators, which is asked on its own.
fn plain(roles: RoleSet) -> RoleSet {
    roles.iter().filter(|role| *role != Role::Admin).collect()
}

#[cfg(test)]
mod tests;
