//! The built-in templates: what can be told.

/// A built-in template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Template {
    /// Somebody is invited; carries the code.
    Invitation,
    /// A member was blocked.
    MemberBlocked,
    /// A block was lifted.
    MemberUnblocked,
    /// The roles of a member changed.
    MemberRolesChanged,
    /// An administrator of the installation made an owner; told to the others.
    OwnerAdded,
    /// A password was changed.
    PasswordChanged,
}

impl Template {
    /// All templates.
    pub(crate) const ALL: [Self; 6] = [
        Self::Invitation,
        Self::MemberBlocked,
        Self::MemberUnblocked,
        Self::MemberRolesChanged,
        Self::OwnerAdded,
        Self::PasswordChanged,
    ];

    /// The version that new deliveries are pinned to; a changed text is a new version beside the old one.
    pub(crate) const VERSION: i32 = 1;

    /// Returns its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::MemberBlocked => "member_blocked",
            Self::MemberUnblocked => "member_unblocked",
            Self::MemberRolesChanged => "member_roles_changed",
            Self::OwnerAdded => "owner_added",
            Self::PasswordChanged => "password_changed",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str() == name)
    }

    /// Tells whether it shows a secret.
    pub(crate) const fn needs_secret(self) -> bool {
        matches!(self, Self::Invitation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back() {
        for template in Template::ALL {
            assert_eq!(Template::parse(template.as_str()), Some(template));
        }
        assert_eq!(Template::parse("newsletter"), None);
    }
}
