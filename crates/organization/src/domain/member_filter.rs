//! Which members a list shows.

use super::custom_role::RoleName;
use super::member::MemberState;
use super::role::Role;

/// What is asked of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberTerm {
    /// It holds the role.
    Role(Role),
    /// It holds a role of this name that its organization composed.
    Custom(RoleName),
    /// It is blocked now, or is not.
    Blocked(bool),
    /// Where it stands in its life.
    State(MemberState),
}

/// Which members: of each group one term holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct MemberFilter {
    pub(crate) all: Vec<Vec<MemberTerm>>,
}
