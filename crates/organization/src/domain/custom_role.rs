//! Roles that organizations compose from permissions.

use std::collections::BTreeSet;
use std::fmt;

use rolecall_kernel::id::{OrganizationId, RoleId};
use rolecall_kernel::text::Description;
use rolecall_kernel::time::Timestamp;

use super::role::{Role, RoleSet};

/// The most roles that an organization composes.
pub(crate) const MAX_ROLES: u64 = 100;
/// The most permissions of one role.
pub(crate) const MAX_PERMISSIONS: usize = 200;

/// From how many members a role is taken at once by deleting it.
pub(crate) const MAX_TAKEN: u64 = 500;

/// The name of a role that an organization composed; never that of a built-in one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RoleName(String);

/// The text is not the name of a role that an organization composes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseRoleNameError {
    /// It is none at all.
    #[error("must be 3 to 50 capital letters, digits and underscores, a letter first")]
    Malformed,
    /// A built-in role has it.
    #[error("must not be the name of a built-in role")]
    BuiltIn,
}

impl RoleName {
    /// Parses a name such as `ANALYST`.
    pub(crate) fn parse(text: &str) -> Result<Self, ParseRoleNameError> {
        let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
        if !begins || !(3..=50).contains(&text.len()) || !text.bytes().all(is_plain) {
            return Err(ParseRoleNameError::Malformed);
        }
        if Role::parse(text).is_ok() {
            return Err(ParseRoleNameError::BuiltIn);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A composed role, as those have it who hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomRole {
    pub(crate) role_id: RoleId,
    pub(crate) name: RoleName,
    /// Names of permissions. Holders hold what `GUEST` holds beside.
    pub(crate) permissions: BTreeSet<String>,
}

/// A composed role, as its organization keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ComposedRole {
    pub(crate) role: CustomRole,
    pub(crate) organization_id: OrganizationId,
    pub(crate) description: Option<Description>,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl ComposedRole {
    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("r{}", self.version)
    }
}

/// The composed roles of one member, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CustomRoles(Vec<CustomRole>);

impl CustomRoles {
    /// Returns the roles in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &CustomRole> {
        self.0.iter()
    }

    /// Tells whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether the role is among them.
    pub(crate) fn contains(&self, role: RoleId) -> bool {
        self.0.iter().any(|held| held.role_id == role)
    }

    /// Returns the roles that are in exactly one of the two.
    #[must_use]
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let only = |one: &Self, other: &Self| -> Vec<CustomRole> {
            one.iter().filter(|role| !other.contains(role.role_id)).cloned().collect()
        };
        [only(self, other), only(other, self)].concat().into_iter().collect()
    }

    /// Returns the roles without this one.
    #[must_use]
    pub(crate) fn without(&self, role: RoleId) -> Self {
        self.iter().filter(|held| held.role_id != role).cloned().collect()
    }
}

impl FromIterator<CustomRole> for CustomRoles {
    fn from_iter<I: IntoIterator<Item = CustomRole>>(roles: I) -> Self {
        let mut roles: Vec<_> = roles.into_iter().collect();
        roles.sort_by(|one, other| one.name.cmp(&other.name));
        roles.dedup_by(|one, other| one.role_id == other.role_id);
        Self(roles)
    }
}

/// Roles of both kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Roles {
    pub(crate) built_in: RoleSet,
    pub(crate) custom: CustomRoles,
}

impl Roles {
    /// Tells whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.built_in.is_empty() && self.custom.is_empty()
    }

    /// Returns the names in alphabetical order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = self.built_in.names();
        names.extend(self.custom.iter().map(|role| role.name.to_string()));
        names.sort_unstable();
        names
    }

    /// Returns the roles that are in exactly one of the two.
    #[must_use]
    pub(crate) fn difference(&self, other: &Self) -> Self {
        Self { built_in: self.built_in.difference(other.built_in), custom: self.custom.difference(&other.custom) }
    }
}

impl From<RoleSet> for Roles {
    fn from(built_in: RoleSet) -> Self {
        Self { built_in, custom: CustomRoles::default() }
    }
}

/// Roles as a request names them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct NamedRoles {
    pub(crate) built_in: RoleSet,
    /// Names of composed roles, each with its place in the request.
    pub(crate) custom: Vec<(usize, RoleName)>,
}

impl NamedRoles {
    /// Returns the names of composed roles.
    pub(crate) fn custom_names(&self) -> Vec<RoleName> {
        self.custom.iter().map(|(_, name)| name.clone()).collect()
    }

    /// Finds the roles among those of an organization; else the places of those that it has not.
    pub(crate) fn resolve(&self, known: &CustomRoles) -> Result<Roles, Vec<usize>> {
        let is_known = |name: &RoleName| known.iter().any(|role| role.name == *name);
        let unknown: Vec<usize> =
            self.custom.iter().filter(|(_, name)| !is_known(name)).map(|(place, _)| *place).collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let is_named = |role: &&CustomRole| self.custom.iter().any(|(_, name)| *name == role.name);
        Ok(Roles { built_in: self.built_in, custom: known.iter().filter(is_named).cloned().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_not_those_of_built_in_roles() {
        for good in ["ANALYST", "A_1", "R2D", "AAA"] {
            assert!(RoleName::parse(good).is_ok(), "{good}");
        }
        let long = "A".repeat(51);
        for bad in ["", "AB", "analyst", "1AB", "_AB", "A B", "A-B", "ÄBC", &long] {
            assert_eq!(RoleName::parse(bad), Err(ParseRoleNameError::Malformed), "{bad}");
        }
        for taken in ["ADMIN", "OWNER", "DATA_STEWARD", "DATA_SCIENTIST", "GUEST"] {
            assert_eq!(RoleName::parse(taken), Err(ParseRoleNameError::BuiltIn), "{taken}");
        }
    }

    #[test]
    fn names_that_an_organization_does_not_have_are_told_by_their_places() {
        let name = |text| RoleName::parse(text).expect("a name");
        let role_id = RoleId::from_uuid(uuid::Uuid::from_u128(1));
        let known = CustomRole { role_id, name: name("ANALYST"), permissions: BTreeSet::new() };
        let known: CustomRoles = [known].into_iter().collect();
        let named = NamedRoles { custom: vec![(1, name("ANALYST")), (2, name("PILOT"))], ..NamedRoles::default() };
        assert_eq!(named.resolve(&known), Err(vec![2]));
        let named = NamedRoles { custom: vec![(0, name("ANALYST"))], ..NamedRoles::default() };
        assert_eq!(named.resolve(&known).expect("known").names(), ["ANALYST"]);
    }
}
