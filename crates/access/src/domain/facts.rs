//! What decides access in one organization, as the tables say.

use std::mem::size_of;

use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::RoleSet;

use super::index::{Key, Map, Set};

/// A person's membership; those that nobody sees yet are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) roles: RoleSet,
    /// Places in [`Shard::roles`].
    pub(crate) custom: Box<[u32]>,
    /// Whether the person accepted.
    pub(crate) active: bool,
    pub(crate) block: Option<Block>,
}

/// A block, and when it ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) until: Option<Timestamp>,
}

/// A role that the organization composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ComposedRole {
    pub(crate) name: Box<str>,
    pub(crate) permissions: Box<[Box<str>]>,
}

/// A program, and what it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) permissions: Box<[Box<str>]>,
}

/// An asset policy, whatever its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Whether it was activated and not revoked.
    pub(crate) active: bool,
    pub(crate) starts: Option<Timestamp>,
    pub(crate) ends: Option<Timestamp>,
    pub(crate) datasets: Box<[Key]>,
    /// Accounts that proved an address that it names; in order.
    pub(crate) beneficiaries: Box<[Key]>,
}

impl Policy {
    /// Tells whether it names the account.
    pub(crate) fn names(&self, user: Key) -> bool {
        self.beneficiaries.binary_search(&user).is_ok()
    }
}

/// One organization, and all that belongs to it. Programs of the whole instance belong to the one with the key zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) suspended: bool,
    pub(crate) members: Map<Member>,
    pub(crate) roles: Vec<ComposedRole>,
    pub(crate) accounts: Map<Account>,
    /// When each ends by itself.
    pub(crate) guests: Map<Timestamp>,
    /// Who registered each.
    pub(crate) datasets: Map<Key>,
    pub(crate) models: Set,
    pub(crate) policies: Map<Policy>,
    /// The active policies that cover each dataset, in order.
    opening: Map<Vec<Key>>,
}

/// Where programs of the whole instance belong.
pub(crate) const INSTANCE: Key = 0;

/// What an entry of a map costs beside its value.
const ENTRY: usize = size_of::<Key>() + 8;

impl Shard {
    /// Makes an organization without anything in it.
    pub(crate) fn empty(suspended: bool) -> Self {
        Self { suspended, ..Self::default() }
    }

    /// Derives what follows from the policies; the last step of making one.
    pub(crate) fn link(&mut self) {
        self.opening.clear();
        for (key, policy) in self.policies.iter().filter(|(_, policy)| policy.active) {
            for dataset in &policy.datasets {
                self.opening.entry(*dataset).or_default().push(*key);
            }
        }
        for policies in self.opening.values_mut() {
            policies.sort_unstable();
        }
    }

    /// Returns the active policies that cover a dataset, in order.
    pub(crate) fn opening(&self, dataset: Key) -> impl Iterator<Item = (Key, &Policy)> {
        let keys = self.opening.get(&dataset).map(Vec::as_slice).unwrap_or_default();
        keys.iter().filter_map(|key| Some((*key, self.policies.get(key)?)))
    }

    /// Returns every id in it.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Key> {
        let people = self.members.keys().chain(self.accounts.keys()).chain(self.guests.keys());
        people.chain(self.datasets.keys()).chain(&self.models).chain(self.policies.keys()).copied()
    }

    /// Returns the accounts that its active policies name, some more than once.
    pub(crate) fn named(&self) -> impl Iterator<Item = Key> {
        self.policies.values().filter(|policy| policy.active).flat_map(|policy| policy.beneficiaries.iter().copied())
    }

    /// Estimates how much memory it takes, in bytes, its places in the indexes of the snapshot among it.
    pub(crate) fn size(&self) -> usize {
        let texts = |texts: &[Box<str>]| texts.iter().map(|text| text.len() + size_of::<Box<str>>()).sum::<usize>();
        let custom: usize = self.members.values().map(|member| size_of_val::<[u32]>(&member.custom)).sum();
        let members = self.members.len() * (ENTRY + size_of::<Member>()) + custom;
        let roles: usize = self.roles.iter().map(|role| texts(&role.permissions) + size_of::<ComposedRole>()).sum();
        let accounts: usize = self.accounts.values().map(|account| texts(&account.permissions) + 2 * ENTRY).sum();
        let policy = |policy: &Policy| {
            let (datasets, named) = (policy.datasets.len(), policy.beneficiaries.len());
            ENTRY + size_of::<Policy>() + datasets * 5 * size_of::<Key>() + named * 5 * size_of::<Key>()
        };
        let plain = self.guests.len() + self.datasets.len() + self.models.len();
        let places = self.members.len() + self.accounts.len() + plain + self.policies.len();
        let policies: usize = self.policies.values().map(policy).sum();
        size_of::<Self>() + members + roles + accounts + policies + (plain + places) * (ENTRY + size_of::<Key>())
    }
}
