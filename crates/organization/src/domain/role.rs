//! Roles: sets of permissions, not ranks.

use std::fmt;

/// A role that a member can hold.
///
/// Declared in the order of their names, which is also the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Administers people and organizations of the whole instance, and reads no organization's data.
    Admin,
    /// Computes on data that is opened to it.
    DataScientist,
    /// Adds and keeps datasets.
    DataSteward,
    /// Has an account and little else.
    Guest,
    /// Holds every right of its organization.
    Owner,
}

/// The text is not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be DATA_SCIENTIST, DATA_STEWARD, GUEST or OWNER")]
pub struct ParseRoleError;

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::Admin, Self::DataScientist, Self::DataSteward, Self::Guest, Self::Owner];

    /// Returns the name on the wire and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "ADMIN",
            Self::DataScientist => "DATA_SCIENTIST",
            Self::DataSteward => "DATA_STEWARD",
            Self::Guest => "GUEST",
            Self::Owner => "OWNER",
        }
    }

    /// Returns what the role is for.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Admin => {
                "Administers people and organizations of the whole instance, and reads no organization's data"
            }
            Self::DataScientist => "Computes on data that is opened to it",
            Self::DataSteward => "Adds and keeps datasets",
            Self::Guest => "Has an account and little else",
            Self::Owner => "Holds every right of its organization",
        }
    }

    /// Finds a role by its name.
    pub fn parse(name: &str) -> Result<Self, ParseRoleError> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(ParseRoleError)
    }

    /// Finds a role that an organization gives, which `ADMIN` is not.
    pub(crate) fn parse_organizational(name: &str) -> Result<Self, ParseRoleError> {
        Self::parse(name).and_then(|role| if role == Self::Admin { Err(ParseRoleError) } else { Ok(role) })
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Admin => 1,
            Self::DataScientist => 2,
            Self::DataSteward => 4,
            Self::Guest => 8,
            Self::Owner => 16,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of roles.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RoleSet(u8);

impl RoleSet {
    /// Tells whether the role is in the set.
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Tells whether the set is empty.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the set with the role added.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// Returns the set without the role; nobody is left with none, so `GUEST` takes the place of the last.
    #[must_use]
    pub(crate) fn without(self, role: Role) -> Self {
        let left = Self(self.0 & !role.bit());
        if left.is_empty() { left.with(Role::Guest) } else { left }
    }

    /// Returns the roles that are in exactly one of the two sets.
    #[must_use]
    pub(crate) const fn difference(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    /// Returns the set with its organizational roles replaced by `roles`; `ADMIN` stays as it is.
    #[must_use]
    pub(crate) const fn replaced_by(self, roles: Self) -> Self {
        let admin = Role::Admin.bit();
        Self((self.0 & admin) | (roles.0 & !admin))
    }

    /// Returns all sets that hold the role.
    pub(crate) fn all_with(role: Role) -> impl Iterator<Item = Self> {
        let all: u8 = Role::ALL.into_iter().map(Role::bit).sum();
        (0..=all).map(Self).filter(move |set| set.contains(role))
    }

    /// Returns the roles in alphabetical order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }

    /// Returns the names in alphabetical order.
    pub fn names(self) -> Vec<String> {
        self.iter().map(|role| role.name().to_owned()).collect()
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Role::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_listed_in_alphabetical_order() {
        let all: RoleSet = Role::ALL.into_iter().rev().collect();
        let mut sorted = all.names();
        sorted.sort();
        assert_eq!(all.names(), sorted);
    }

    #[test]
    fn a_name_means_one_role_and_admin_is_not_given_by_organizations() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Ok(role));
        }
        for wrong in ["", "owner", "ADMIN ", "ROOT"] {
            assert_eq!(Role::parse(wrong), Err(ParseRoleError), "{wrong:?}");
        }
        assert_eq!(Role::parse_organizational("ADMIN"), Err(ParseRoleError));
        assert_eq!(Role::parse_organizational("OWNER"), Ok(Role::Owner));
    }

    #[test]
    fn half_of_all_sets_hold_a_role() {
        for role in Role::ALL {
            let sets: Vec<RoleSet> = RoleSet::all_with(role).collect();
            assert!(sets.len() == 16 && sets.iter().all(|set| set.contains(role)));
        }
    }

    #[test]
    fn nobody_is_left_without_a_role() {
        let both: RoleSet = [Role::Admin, Role::Owner].into_iter().collect();
        assert_eq!(both.without(Role::Admin), [Role::Owner].into_iter().collect());
        let alone: RoleSet = [Role::Admin].into_iter().collect();
        assert_eq!(alone.without(Role::Admin), [Role::Guest].into_iter().collect());
        assert_eq!(both.without(Role::Guest), both);
    }

    #[test]
    fn replacing_roles_leaves_admin_as_it_is() {
        let admin: RoleSet = [Role::Admin, Role::Owner].into_iter().collect();
        let guest: RoleSet = [Role::Guest].into_iter().collect();
        assert_eq!(admin.replaced_by(guest), [Role::Admin, Role::Guest].into_iter().collect());
        assert_eq!(guest.replaced_by(admin), [Role::Owner].into_iter().collect());
    }
}
