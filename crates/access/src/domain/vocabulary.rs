//! Permissions as numbers, who holds them, and by which of them a wish on a kind of resource may come true.

use std::collections::HashMap;
use std::sync::Arc;

use rolecall_organization::ground::{CATALOGUE, Condition, Holding, Permission, Role, RoleSet};
use sha2::{Digest as _, Sha256};

/// A permission, as a number of one vocabulary.
pub(crate) type PermissionIndex = u32;

/// What can be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// An organization, or anything inside it that needs no closer look.
    Organization,
    /// The record of a person.
    User,
    /// A dataset.
    Dataset,
    /// A model.
    Model,
    /// An asset policy.
    AssetPolicy,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::User => "user",
            Self::Dataset => "dataset",
            Self::Model => "model",
            Self::AssetPolicy => "asset_policy",
        }
    }
}

/// What leads to a wish beside the permission itself, in the order of asking; whatever is not here is asked alone.
const WAYS: &[(Kind, &str, &[&str])] = &[
    (
        Kind::Dataset,
        "organization.datasets.get",
        &["organization.datasets.get_registered", "organization.datasets.get_granted"],
    ),
    (Kind::Dataset, "organization.datasets.update", &["organization.datasets.update_registered"]),
    (Kind::Dataset, "organization.datasets.delete", &["organization.datasets.delete_registered"]),
];

/// Told apart from all earlier ways to evaluate the same tables.
const EVALUATOR: &str = "1";

/// A permission, and who holds it where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) name: Box<str>,
    /// By the place of the role in [`Role::ALL`].
    by_role: [Option<Holding>; Role::ALL.len()],
    /// How a role that an organization composed holds it once it is given it.
    composed: Option<Holding>,
    /// The relation to a resource that gives it its meaning, whoever holds it.
    pub(crate) relation: Option<Condition>,
}

impl Word {
    fn new(permission: &Permission<'_>) -> Self {
        let by_role = Role::ALL.map(|role| permission.held_by(role));
        let relation = by_role.iter().find_map(|held| match held {
            Some(Holding::If(condition)) => Some(*condition),
            Some(Holding::OnSelf | Holding::Own | Holding::Any) | None => None,
        });
        Self { name: permission.name.into(), by_role, composed: permission.composed(), relation }
    }

    /// Returns the widest place where one of the roles holds it.
    pub(crate) fn held_by(&self, roles: RoleSet) -> Option<Holding> {
        let held = Role::ALL.into_iter().zip(self.by_role).filter(|(role, _)| roles.contains(*role));
        held.filter_map(|(_, holding)| holding).max()
    }

    /// Returns where a composed role holds it: what it was given, and all that `GUEST` holds.
    pub(crate) fn held_by_composed(&self, is_given: bool) -> Option<Holding> {
        let given = self.composed.filter(|_| is_given);
        given.max(self.held_by(RoleSet::default().with(Role::Guest)))
    }
}

/// All permissions there are.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    words: Vec<Word>,
    numbers: HashMap<Box<str>, PermissionIndex>,
    ways: HashMap<(Kind, PermissionIndex), Box<[PermissionIndex]>>,
    version: Arc<str>,
}

impl Vocabulary {
    /// Makes the vocabulary of the catalogue and of what other backends registered.
    pub(crate) fn new(registered: impl IntoIterator<Item = String>) -> Self {
        let ours = CATALOGUE.iter().map(Word::new);
        let mut words: Vec<Word> = ours.collect();
        let mut registered: Vec<String> = registered.into_iter().collect();
        registered.sort();
        words.extend(registered.iter().filter_map(|name| Permission::named(name)).map(|word| Word::new(&word)));
        let numbered = words.iter().zip(0..).map(|(word, number)| (word.name.clone(), number));
        let numbers: HashMap<Box<str>, PermissionIndex> = numbered.collect();
        let number = |name: &&str| numbers.get(*name).copied();
        let ways = WAYS.iter().filter_map(|(kind, name, beside)| {
            let asked = number(name)?;
            Some(((*kind, asked), [asked].into_iter().chain(beside.iter().filter_map(number)).collect()))
        });
        let ways = ways.collect();
        Self { version: version(&words).into(), words, numbers, ways }
    }

    /// Finds a permission by its name.
    pub(crate) fn find(&self, name: &str) -> Option<PermissionIndex> {
        self.numbers.get(name).copied()
    }

    /// Returns a permission.
    pub(crate) fn word(&self, number: PermissionIndex) -> Option<&Word> {
        self.words.get(usize::try_from(number).ok()?)
    }

    /// Returns the permissions by which a wish may come true, in the order of asking.
    pub(crate) fn ways<'a>(&'a self, kind: Kind, asked: &'a PermissionIndex) -> &'a [PermissionIndex] {
        self.ways.get(&(kind, *asked)).map_or(std::slice::from_ref(asked), AsRef::as_ref)
    }

    /// Names the rules: their hash, shortened.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.version
    }
}

/// Hashes all that decides beside the facts.
fn version(words: &[Word]) -> String {
    let mut hash = Sha256::new();
    hash.update(EVALUATOR);
    for word in words {
        hash.update(format!("\n{} {:?} {:?}", word.name, word.by_role, word.composed));
    }
    for (kind, name, beside) in WAYS {
        hash.update(format!("\n{} {name} {}", kind.name(), beside.join(" ")));
    }
    let [first, second, third, fourth, fifth, sixth, seventh, eighth, ..] = <[u8; 32]>::from(hash.finalize());
    let start = u64::from_be_bytes([first, second, third, fourth, fifth, sixth, seventh, eighth]);
    format!("{start:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_changes_with_what_is_registered_and_with_nothing_else() {
        let one = Vocabulary::new(["data.rows.read".to_owned(), "data.rows.write".to_owned()]);
        let same = Vocabulary::new(["data.rows.write".to_owned(), "data.rows.read".to_owned()]);
        assert_eq!(one.version(), same.version());
        assert_ne!(one.version(), Vocabulary::new([]).version());
    }

    #[test]
    fn every_way_is_a_permission() {
        let vocabulary = Vocabulary::new([]);
        for (_, name, beside) in WAYS {
            assert!([name].into_iter().chain(*beside).all(|name| vocabulary.find(name).is_some()), "{name}");
        }
        let asked = vocabulary.find("organization.datasets.get").expect("a permission");
        assert_eq!(vocabulary.ways(Kind::Dataset, &asked).len(), 3);
        assert_eq!(vocabulary.ways(Kind::Model, &asked), [asked]);
    }
}
