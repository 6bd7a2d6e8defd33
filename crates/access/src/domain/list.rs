//! All resources on which a subject may do something: those that can be, each decided by the evaluator.

use rolecall_authz::Scope;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Role;

use super::decide::{Question, Silent, decide};
use super::facts::{INSTANCE, Shard};
use super::index::Key;
use super::snapshot::{Resource, Snapshot, Who};
use super::vocabulary::Kind;

/// Which resources to list.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) subject: Key,
    pub(crate) permission: String,
    pub(crate) kind: Kind,
}

/// Lists the ids after a place, in order, up to a limit.
pub(crate) fn list(
    world: &Snapshot,
    sees: &Scope,
    wish: &Wish,
    now: Timestamp,
    after: Option<Key>,
    limit: usize,
) -> Vec<Key> {
    let mut candidates = candidates(world, sees, wish, now);
    candidates.retain(|key| after.is_none_or(|after| *key > after));
    candidates.sort_unstable();
    candidates.dedup();
    let (subject, permission) = (wish.subject, &wish.permission);
    let allows = |key: &Key| {
        let resource = Resource { kind: wish.kind, key: *key };
        let question = Question { subject, permission: permission.clone(), resource };
        decide(world, sees, &question, now, &mut Silent).reason.allows()
    };
    candidates.into_iter().filter(allows).take(limit).collect()
}

/// Whatever a rule could allow: more is decided away, less would be missing.
///
/// A rule reaches into the subject's own organization; into others by a policy that names it; everywhere for an
/// administrator and a program of the whole instance.
fn candidates(world: &Snapshot, sees: &Scope, wish: &Wish, now: Timestamp) -> Vec<Key> {
    let Some(subject) = world.subject(sees, wish.subject, now) else { return Vec::new() };
    let is_everywhere = match subject.who {
        Who::Member(member) => member.roles.contains(Role::Admin),
        Who::Account(_) => subject.organization == INSTANCE,
        Who::Guest => false,
    };
    if is_everywhere {
        return world.organizations().flat_map(|(key, shard)| of_kind(key, shard, wish.kind)).collect();
    }
    let own = of_kind(subject.organization, subject.shard, wish.kind);
    let opened = world.naming(wish.subject).iter().filter(|_| wish.kind == Kind::Dataset);
    let opened = opened.filter_map(|organization| world.organization(*organization)).flat_map(|shard| {
        let naming = shard.policies.values().filter(|policy| policy.active && policy.names(wish.subject));
        naming.flat_map(|policy| policy.datasets.iter().copied())
    });
    own.into_iter().chain(opened).collect()
}

fn of_kind(organization: Key, shard: &Shard, kind: Kind) -> Vec<Key> {
    match kind {
        Kind::Organization => vec![organization],
        Kind::User => shard.members.keys().copied().collect(),
        Kind::Dataset => shard.datasets.keys().copied().collect(),
        Kind::Model => shard.models.iter().copied().collect(),
        Kind::AssetPolicy => shard.policies.keys().copied().collect(),
    }
}
