//! All facts of one revision, in memory: shards by organization, and where each id is found.

use std::sync::Arc;

use rolecall_authz::Scope;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

use super::facts::{Account, INSTANCE, Member, Shard};
use super::index::{Index, Key, Map};
use super::token::Epoch;
use super::vocabulary::{Kind, Vocabulary};

/// The facts at one revision; what changes is another snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) revision: i64,
    pub(crate) epoch: Epoch,
    pub(crate) vocabulary: Arc<Vocabulary>,
    shards: Map<Arc<Shard>>,
    /// In which shard an id is found.
    places: Index<Key>,
    /// Which organizations have active policies that name an account; in order.
    naming: Index<Arc<[Key]>>,
    size: usize,
}

/// Something that can be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    pub(crate) key: Key,
}

/// What kind of subject somebody is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// A person.
    Member(&'a Member),
    /// A program.
    Account(&'a Account),
    /// A stranger, until a time.
    Guest,
}

/// Whoever wants to act.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) key: Key,
    pub(crate) who: Who<'a>,
    /// [`INSTANCE`] for a program of the whole instance.
    pub(crate) organization: Key,
    pub(crate) shard: &'a Shard,
}

/// What somebody wants to act on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) resource: Resource,
    pub(crate) organization: Key,
    pub(crate) shard: &'a Shard,
}

impl Snapshot {
    /// Makes an empty one.
    pub(crate) fn new(revision: i64, epoch: Epoch, vocabulary: Arc<Vocabulary>) -> Self {
        let (shards, places, naming) = (Map::default(), Index::default(), Index::default());
        Self { revision, epoch, vocabulary, shards, places, naming, size: 0 }
    }

    /// Returns a copy at another revision, which shares all facts until some are replaced.
    pub(crate) fn at(&self, revision: i64) -> Self {
        Self { revision, ..self.clone() }
    }

    /// Puts an organization as it is now in the place of what it was; `None` takes it out.
    pub(crate) fn replace(&mut self, organization: Key, shard: Option<Shard>) {
        if let Some(old) = self.shards.remove(&organization) {
            self.size -= old.size();
            self.unname(organization, &old, shard.as_ref());
            for id in old.ids() {
                // What was taken over by another shard in the meantime stays there.
                if self.places.get(id) == Some(&organization) {
                    self.places.remove(id);
                }
            }
        }
        let Some(shard) = shard else { return };
        self.size += shard.size();
        for id in shard.ids() {
            self.places.insert(id, organization);
        }
        for user in shard.named() {
            self.name(user, organization);
        }
        self.shards.insert(organization, Arc::new(shard));
    }

    fn name(&mut self, user: Key, organization: Key) {
        let known = self.naming.get(user).map(AsRef::as_ref).unwrap_or_default();
        if let Err(place) = known.binary_search(&organization) {
            let mut all = known.to_vec();
            all.insert(place, organization);
            self.naming.insert(user, all.into());
        }
    }

    fn unname(&mut self, organization: Key, old: &Shard, new: Option<&Shard>) {
        let kept: std::collections::HashSet<Key> = new.into_iter().flat_map(Shard::named).collect();
        for user in old.named().filter(|user| !kept.contains(user)) {
            let known = self.naming.get(user).map(AsRef::as_ref).unwrap_or_default();
            let left: Vec<Key> = known.iter().copied().filter(|known| *known != organization).collect();
            if left.is_empty() {
                self.naming.remove(user);
            } else {
                self.naming.insert(user, left.into());
            }
        }
    }

    /// Estimates how much memory it takes, in bytes.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Returns how many ids it knows.
    pub(crate) const fn ids(&self) -> usize {
        self.places.len()
    }

    /// Returns all organizations.
    pub(crate) fn organizations(&self) -> impl Iterator<Item = (Key, &Shard)> {
        self.shards.iter().map(|(key, shard)| (*key, shard.as_ref()))
    }

    /// Returns an organization.
    pub(crate) fn organization(&self, key: Key) -> Option<&Shard> {
        self.shards.get(&key).map(AsRef::as_ref)
    }

    /// Returns the organizations whose active policies name an account.
    pub(crate) fn naming(&self, user: Key) -> &[Key] {
        self.naming.get(user).map(AsRef::as_ref).unwrap_or_default()
    }

    fn place(&self, id: Key) -> Option<(Key, &Shard)> {
        let organization = *self.places.get(id)?;
        Some((organization, self.organization(organization)?))
    }

    /// Finds a subject within a scope; a guest whose time is over is none, swept out or not.
    pub(crate) fn subject(&self, scope: &Scope, key: Key, now: Timestamp) -> Option<Subject<'_>> {
        let (organization, shard) = self.place(key)?;
        let who = match (shard.members.get(&key), shard.accounts.get(&key), shard.guests.get(&key)) {
            (Some(member), ..) => Who::Member(member),
            (None, Some(account), _) => Who::Account(account),
            (None, None, Some(ends)) if now < *ends => Who::Guest,
            (None, None, _) => return None,
        };
        includes(scope, organization).then_some(Subject { key, who, organization, shard })
    }

    /// Finds a resource within a scope.
    pub(crate) fn target(&self, scope: &Scope, resource: Resource) -> Option<Target<'_>> {
        let key = resource.key;
        let (organization, shard) = match resource.kind {
            Kind::Organization if key == INSTANCE => return None,
            Kind::Organization => (key, self.organization(key)?),
            Kind::User | Kind::Dataset | Kind::Model | Kind::AssetPolicy => self.place(key)?,
        };
        let is_there = match resource.kind {
            Kind::Organization => true,
            Kind::User => shard.members.contains_key(&key),
            Kind::Dataset => shard.datasets.contains_key(&key),
            Kind::Model => shard.models.contains(&key),
            Kind::AssetPolicy => shard.policies.contains_key(&key),
        };
        (is_there && includes(scope, organization)).then_some(Target { resource, organization, shard })
    }
}

/// Tells whether all that belongs to an organization, or to the instance alone, lies in a scope.
fn includes(scope: &Scope, organization: Key) -> bool {
    match organization {
        INSTANCE => *scope == Scope::All,
        organization => scope.includes_organization(OrganizationId::from_uuid(Uuid::from_u128(organization))),
    }
}
