use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::domain::explain::Rule;
use crate::domain::facts::{Block, Shard};
use crate::domain::snapshot::Resource;
use crate::domain::token::Epoch;
use crate::domain::vocabulary::{Kind, Vocabulary};

const NOW: Timestamp = Timestamp::from_seconds(1_000);
const HOME: Key = 1;
const ELSEWHERE: Key = 2;
const SUBJECT: Key = 10;
const OTHER: Key = 11;
const DATASET: Key = 20;
const POLICY: Key = 30;

/// What decides about one subject and one dataset.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "the dimensions of the table")]
struct Case {
    roles: RoleSet,
    /// Whether the dataset belongs to the subject's organization.
    own: bool,
    registrant: bool,
    beneficiary: Beneficiary,
    active: bool,
    blocked: bool,
    suspended: bool,
}

/// How an active policy stands to the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beneficiary {
    None,
    Future,
    InForce,
    Expired,
}

const BENEFICIARIES: [Beneficiary; 4] =
    [Beneficiary::None, Beneficiary::Future, Beneficiary::InForce, Beneficiary::Expired];

const PERMISSIONS: [&str; 6] = [
    "organization.datasets.get",
    "organization.datasets.update",
    "organization.datasets.delete_registered",
    "organization.datasets.get_granted",
    "organization.compute_specs.create",
    "organization.members.list",
];

impl Case {
    fn world(self) -> Snapshot {
        let block = self.blocked.then_some(Block { until: None });
        let member = Member { roles: self.roles, custom: Box::default(), active: self.active, block };
        let mut shards = [Shard::empty(self.suspended), Shard::empty(false)];
        shards[0].members.insert(SUBJECT, member);
        let data = &mut shards[usize::from(!self.own)];
        data.datasets.insert(DATASET, if self.registrant { SUBJECT } else { OTHER });
        let second = |seconds| Some(Timestamp::from_seconds(seconds));
        let window = match self.beneficiary {
            Beneficiary::None => None,
            Beneficiary::Future => Some((second(1_001), None)),
            Beneficiary::InForce => Some((second(1_000), second(1_001))),
            Beneficiary::Expired => Some((None, second(1_000))),
        };
        if let Some((starts, ends)) = window {
            let (datasets, beneficiaries) = ([DATASET].into(), [SUBJECT].into());
            data.policies.insert(POLICY, Policy { active: true, starts, ends, datasets, beneficiaries });
        }
        let mut world = Snapshot::new(7, Epoch("aa".into()), Arc::new(Vocabulary::new([])));
        for (key, mut shard) in [HOME, ELSEWHERE].into_iter().zip(shards) {
            shard.link();
            world.replace(key, Some(shard));
        }
        world
    }

    fn decide(self, permission: &str) -> Decision {
        let resource = Resource { kind: Kind::Dataset, key: DATASET };
        let question = Question { subject: SUBJECT, permission: permission.to_owned(), resource };
        let world = self.world();
        let told = crate::domain::explain::explain(&world, &Scope::All, &question, NOW);
        let decision = decide(&world, &Scope::All, &question, NOW, &mut Silent);
        assert_eq!(told.decision, decision, "{self:?} {permission}");
        let holds = told.gates.iter().all(|gate| gate.holds) && told.rules.iter().any(Rule::holds);
        assert_eq!(holds, decision.reason.allows(), "{self:?} {permission}");
        decision
    }
}

/// Every combination of what decides but for roles, blocks and states.
fn places(roles: RoleSet) -> impl Iterator<Item = Case> {
    let (active, blocked, suspended) = (true, false, false);
    let relations = [(true, false), (true, true), (false, false), (false, true)];
    relations.into_iter().flat_map(move |(own, registrant)| {
        BENEFICIARIES.map(|beneficiary| Case { roles, own, registrant, beneficiary, active, blocked, suspended })
    })
}

fn all_sets() -> impl Iterator<Item = RoleSet> {
    (0_u32..32).map(|bits| {
        let held = Role::ALL.into_iter().enumerate().filter(move |(place, _)| bits & (1 << place) != 0);
        held.map(|(_, role)| role).collect()
    })
}

#[test]
fn the_table_of_decisions_is_the_reviewed_one() {
    let mut text = String::new();
    for permission in PERMISSIONS {
        for role in Role::ALL {
            let _ = writeln!(text, "{permission} by {role}");
            for case in places(RoleSet::default().with(role)) {
                let Case { own, registrant, beneficiary, .. } = case;
                let place = if own { "own" } else { "other" };
                let who = if registrant { "registrant" } else { "-" };
                let Decision { reason, rule, .. } = case.decide(permission);
                let rule = rule.unwrap_or_default();
                let line = format!("  {place:5} {who:10} {beneficiary:?}: {reason:?} {rule}");
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/decisions.txt");
    #[expect(clippy::disallowed_methods, reason = "the switch that writes golden files is an environment variable")]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        std::fs::write(path, &text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, golden, "run UPDATE_GOLDEN=1 cargo test -p rolecall-access, and review the difference");
}

#[test]
fn roles_are_sets_of_permissions_together_they_allow_what_one_of_them_does() {
    for permission in PERMISSIONS {
        for set in all_sets() {
            for case in places(set) {
                let alone = set.iter().any(|role| {
                    let roles = RoleSet::default().with(role);
                    Case { roles, ..case }.decide(permission).reason.allows()
                });
                let together = case.decide(permission);
                assert_eq!(together.reason.allows(), alone, "{case:?} {permission}");
                let without = Case { roles: plain(set), ..case }.decide(permission).reason.allows();
                assert_eq!(together.only_as_administrator, alone && !without, "{case:?} {permission}");
            }
        }
    }
}

#[test]
fn nobody_passes_a_closed_gate() {
    for set in all_sets() {
        for case in places(set) {
            for (closed, demand) in [
                (Case { blocked: true, ..case }, Demand::NotBlocked),
                (Case { active: false, ..case }, Demand::Active),
                (Case { suspended: true, ..case }, Demand::OrganizationOperates),
            ] {
                let reason = closed.decide("organization.datasets.get").reason;
                assert_eq!(reason, Reason::Lacking(demand), "{closed:?}");
            }
        }
    }
}

#[test]
fn what_a_shard_loses_is_found_no_longer_and_the_size_is_that_of_what_is_there() {
    let case = places(RoleSet::default().with(Role::DataScientist)).last().expect("one");
    let mut world = Case { beneficiary: Beneficiary::InForce, ..case }.world();
    let (size, ids) = (world.size(), world.ids());
    assert_eq!((world.naming(SUBJECT), ids), ([ELSEWHERE].as_slice(), 3));
    world.replace(ELSEWHERE, None);
    assert_eq!((world.naming(SUBJECT).len(), world.ids()), (0, 1));
    assert!(world.size() < size && world.size() > 0);
    world.replace(HOME, None);
    assert_eq!((world.size(), world.ids()), (0, 0));
}
