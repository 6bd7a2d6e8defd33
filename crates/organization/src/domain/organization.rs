//! Organizations.

use std::fmt;

use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::text::{OrganizationName, Reason};
use rolecall_kernel::time::Timestamp;
use unicode_normalization::UnicodeNormalization as _;

/// Where an organization stands in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrganizationState {
    /// Being made: nobody sees it yet.
    Hidden,
    /// Its members can act.
    Active,
    /// Nobody who belongs to it can act.
    Suspended(Suspension),
}

/// Why and since when an organization is suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspension {
    pub(crate) reason: Reason,
    pub(crate) since: Timestamp,
    pub(crate) actor: SubjectId,
}

/// What an organization demands of the logins of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MfaPolicy {
    /// A second factor.
    Required,
    /// A second factor of those who have one.
    Optional,
}

impl MfaPolicy {
    /// Returns its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::Optional => "OPTIONAL",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Required, Self::Optional].into_iter().find(|policy| policy.name() == text)
    }
}

/// A tenant of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct Organization {
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: OrganizationName,
    pub(crate) state: OrganizationState,
    /// Whether it was made at installation.
    pub(crate) home: bool,
    pub(crate) mfa_policy: MfaPolicy,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
}

impl Organization {
    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// Returns why nobody who belongs to it can act, if that is so.
    pub(crate) const fn suspension(&self) -> Option<&Suspension> {
        match &self.state {
            OrganizationState::Suspended(suspension) => Some(suspension),
            OrganizationState::Hidden | OrganizationState::Active => None,
        }
    }

    /// Notes a change.
    #[must_use]
    pub(crate) fn changed(mut self) -> Self {
        self.version += 1;
        self
    }
}

/// The person that becomes the first owner, as it was entered.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OwnerContact {
    pub(crate) email: String,
    pub(crate) full_name: String,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
}

impl fmt::Debug for OwnerContact {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerContact(redacted)")
    }
}

/// Returns what decides whether two names are the same: letter case and form aside.
///
/// Lower case of upper case folds what lower case alone leaves apart, such as the German sharp s.
pub(crate) fn name_key(name: &OrganizationName) -> String {
    let folded: String = name.as_str().nfc().collect::<String>().to_uppercase().to_lowercase();
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_or_form_only_are_the_same() {
        let key = |text: &str| OrganizationName::parse(text).map(|name| name_key(&name));
        assert_eq!(key("Caf\u{e9} Z\u{fc}rich"), key("CAFE\u{301} Z\u{dc}RICH"));
        assert_eq!(key("Stra\u{df}e"), key("STRASSE"));
        assert_eq!(key("A  B"), key("a b"));
        assert_ne!(key("Acme"), key("Acme 2"));
    }
}
