//! Domain types as messages.

use rolecall_api::organization::v1 as pb;
use uuid::Uuid;

use super::{Api, convert};
use crate::app::check::Checked;
use crate::app::list::Listed;
use crate::domain::decide::{Decision, Demand, Fact, Reason};
use crate::domain::explain::{Explanation, Predicate, Rule};
use crate::domain::index::Key;
use crate::domain::snapshot::Snapshot;
use crate::domain::token::Point;

fn token(world: &Snapshot) -> String {
    Point { revision: world.revision, epoch: Some(world.epoch.clone()) }.to_string()
}

fn id(key: Key) -> String {
    Uuid::from_u128(key).to_string()
}

pub(super) fn decision(decision: &Decision, world: &Snapshot) -> pb::CheckAccessResponse {
    pb::CheckAccessResponse {
        revision: world.revision.to_string(),
        consistency_token: token(world),
        rules_version: world.vocabulary.version().to_string(),
        ..bare(decision)
    }
}

/// A decision without what many have in common.
fn bare(decision: &Decision) -> pb::CheckAccessResponse {
    pb::CheckAccessResponse {
        allowed: decision.reason.allows(),
        reason: reason(decision.reason).into(),
        roles: decision.roles.clone(),
        rule: decision.rule.as_deref().unwrap_or_default().to_owned(),
        only_as_administrator: decision.only_as_administrator,
        ..pb::CheckAccessResponse::default()
    }
}

pub(super) fn batch(checked: &Checked) -> pb::BatchCheckAccessResponse {
    let world = &checked.world;
    pb::BatchCheckAccessResponse {
        decisions: checked.decisions.iter().map(bare).collect(),
        revision: world.revision.to_string(),
        consistency_token: token(world),
        rules_version: world.vocabulary.version().to_string(),
    }
}

pub(super) fn explanation(explanation: &Explanation, world: &Snapshot) -> pb::ExplainAccessResponse {
    pb::ExplainAccessResponse {
        decision: Some(decision(&explanation.decision, world)),
        gates: explanation.gates.iter().map(predicate).collect(),
        rules: explanation.rules.iter().map(rule).collect(),
        nearest_miss: explanation.nearest_miss.iter().map(predicate).collect(),
    }
}

fn rule(rule: &Rule) -> pb::AccessRule {
    let predicates = rule.predicates.iter().map(predicate).collect();
    pb::AccessRule { name: rule.name.to_string(), holds: rule.holds(), predicates }
}

fn predicate(predicate: &Predicate) -> pb::AccessPredicate {
    let demand = demand(predicate.demand).into();
    pb::AccessPredicate { demand, holds: predicate.holds, fact: fact(&predicate.fact) }
}

fn fact(fact: &Fact) -> String {
    match fact {
        Fact::Organization(key) => format!("organization {}", place(*key)),
        Fact::Organizations(own, there) => {
            format!("the subject belongs to {}, the resource to {}", place(*own), place(*there))
        }
        Fact::Roles(names) => format!("roles: {}", names.join(", ")),
        Fact::Block(None) => "blocked until somebody lifts it".to_owned(),
        Fact::Block(Some(until)) => format!("blocked until second {}", until.as_seconds()),
        Fact::RegisteredBy(key) => format!("registered by {}", id(*key)),
        Fact::Policy(key, None) => format!("asset policy {}", id(*key)),
        Fact::Policy(key, Some(time)) => format!("asset policy {}: second {}", id(*key), time.as_seconds()),
        Fact::Condition(name) => format!("on condition: {name}"),
        Fact::None => String::new(),
    }
}

/// Programs of the instance belong to no organization.
fn place(key: Key) -> String {
    if key == crate::domain::facts::INSTANCE { "the instance".to_owned() } else { id(key) }
}

pub(super) fn listed(api: &Api, binding: &[String], listed: &Listed) -> pb::ListAccessibleResourcesResponse {
    let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
    let next = listed.next.as_ref().map(|next| {
        let place = convert::encode(next);
        api.pages.seal(&binding, &place, api.app.entropy.as_ref())
    });
    pb::ListAccessibleResourcesResponse {
        resource_ids: listed.ids.iter().map(|key| id(*key)).collect(),
        next_page_token: next.unwrap_or_default(),
        revision: listed.world.revision.to_string(),
        consistency_token: token(&listed.world),
        rules_version: listed.world.vocabulary.version().to_string(),
    }
}

const fn reason(reason: Reason) -> pb::AccessReason {
    use pb::AccessReason as R;
    match reason {
        Reason::RoleHoldsPermission => R::RoleHoldsPermission,
        Reason::PermissionGiven => R::PermissionGiven,
        Reason::OwnRecord => R::OwnRecord,
        Reason::Registrant => R::Registrant,
        Reason::PolicyInForce => R::PolicyInForce,
        Reason::SubjectUnknown => R::SubjectUnknown,
        Reason::ResourceUnknown => R::ResourceUnknown,
        Reason::PermissionUnknown => R::PermissionUnknown,
        Reason::Lacking(demand) => lacking(demand),
    }
}

const fn lacking(demand: Demand) -> pb::AccessReason {
    use pb::AccessReason as R;
    match demand {
        Demand::OrganizationOperates => R::OrganizationSuspended,
        Demand::Active => R::SubjectInactive,
        Demand::NotBlocked => R::Blocked,
        Demand::PermissionHeld | Demand::Administrator => R::PermissionMissing,
        Demand::SameOrganization => R::NotAMember,
        Demand::OwnRecord => R::NotOwnRecord,
        Demand::Registrant => R::NotRegistrant,
        Demand::Policy => R::NoPolicy,
        Demand::PolicyNamesSubject => R::PolicyNamesOthers,
        Demand::PolicyStarted => R::PolicyNotStarted,
        Demand::PolicyNotEnded => R::PolicyExpired,
        Demand::ResourceOperates => R::ResourceSuspended,
        Demand::Condition => R::ConditionNotMet,
    }
}

const fn demand(demand: Demand) -> pb::AccessDemand {
    use pb::AccessDemand as D;
    match demand {
        Demand::OrganizationOperates => D::OrganizationOperates,
        Demand::Active => D::Active,
        Demand::NotBlocked => D::NotBlocked,
        Demand::PermissionHeld => D::PermissionHeld,
        Demand::SameOrganization => D::SameOrganization,
        Demand::OwnRecord => D::OwnRecord,
        Demand::Registrant => D::Registrant,
        Demand::Policy => D::Policy,
        Demand::PolicyNamesSubject => D::PolicyNamesSubject,
        Demand::PolicyStarted => D::PolicyStarted,
        Demand::PolicyNotEnded => D::PolicyNotEnded,
        Demand::ResourceOperates => D::ResourceOperates,
        Demand::Condition => D::Condition,
        Demand::Administrator => D::Administrator,
    }
}
