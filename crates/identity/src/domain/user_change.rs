//! What becomes of an account that is changed.

use rolecall_kernel::text::{EmailAddress, Institution, PersonName, Website};
use rolecall_kernel::time::Timestamp;

use super::user::{Profile, User};

/// What becomes of a value that may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is replaced, or taken away.
    Set(Option<T>),
}

impl<T: Clone> Edit<T> {
    fn apply(&self, before: Option<&T>) -> Option<T> {
        match self {
            Self::Keep => before.cloned(),
            Self::Set(value) => value.clone(),
        }
    }
}

/// What becomes of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ProfileChange {
    /// Another full name.
    pub(crate) name: Option<PersonName>,
    /// The given name.
    pub(crate) given_name: Edit<PersonName>,
    /// The family name.
    pub(crate) family_name: Edit<PersonName>,
    /// Where the person works.
    pub(crate) institution: Edit<Institution>,
    /// Web address.
    pub(crate) website: Edit<Website>,
}

impl ProfileChange {
    /// The profile after the change.
    pub(crate) fn apply(&self, before: &Profile) -> Profile {
        Profile {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            given_name: self.given_name.apply(before.given_name.as_ref()),
            family_name: self.family_name.apply(before.family_name.as_ref()),
            institution: self.institution.apply(before.institution.as_ref()),
            website: self.website.apply(before.website.as_ref()),
        }
    }
}

impl User {
    /// The account with another profile and address; an address that is not the same one is unproven.
    #[must_use]
    pub(crate) fn changed(&self, profile: &ProfileChange, email: Option<&EmailAddress>, now: Timestamp) -> Self {
        let email = email.unwrap_or(&self.email).clone();
        Self {
            email_verified: self.email_verified && email.key() == self.email.key(),
            email,
            profile: profile.apply(&self.profile),
            version: self.version + 1,
            updated: now,
            ..self.clone()
        }
    }

    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        self.version.to_string()
    }

    /// Whether the account moved to another address; another spelling is the same address.
    pub(crate) fn has_moved(&self, before: &Self) -> bool {
        self.email.key() != before.email.key()
    }

    /// Names of the fields in which two states of an account differ, a move to another address aside.
    pub(crate) fn fields_changed(&self, before: &Self) -> Vec<&'static str> {
        let (new, old) = (&self.profile, &before.profile);
        [
            ("name", new.name != old.name),
            ("given_name", new.given_name != old.given_name),
            ("family_name", new.family_name != old.family_name),
            ("institution", new.institution != old.institution),
            ("website", new.website != old.website),
            ("email", self.email != before.email && !self.has_moved(before)),
        ]
        .into_iter()
        .filter_map(|(field, changed)| changed.then_some(field))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::id::{OrganizationId, UserId};

    use super::*;
    use crate::domain::user::UserState;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn ada() -> User {
        let name = |text: &str| PersonName::parse(text).expect("valid");
        let profile = Profile {
            name: name("Ada Lovelace"),
            given_name: Some(name("Ada")),
            family_name: Some(name("Lovelace")),
            institution: None,
            website: None,
        };
        let (user_id, organization) = (UserId::new(NOW, &SystemEntropy), OrganizationId::new(NOW, &SystemEntropy));
        let user = User::new(user_id, organization, email("ada@example.org"), profile, UserState::Active, NOW);
        User { email_verified: true, ..user }
    }

    fn email(text: &str) -> EmailAddress {
        EmailAddress::parse(text).expect("valid")
    }

    #[test]
    fn only_what_is_given_changes() {
        let change = ProfileChange {
            family_name: Edit::Set(None),
            institution: Edit::Set(Institution::parse("Analytical Engines").ok()),
            ..ProfileChange::default()
        };
        let (before, later) = (ada(), Timestamp::from_seconds(2_000));
        let after = before.changed(&change, None, later);
        assert_eq!(after.fields_changed(&before), ["family_name", "institution"]);
        assert_eq!((after.profile.family_name.as_ref(), &after.profile.name), (None, &before.profile.name));
        assert_eq!((after.version, after.updated, after.email_verified), (2, later, true));
    }

    #[test]
    fn a_new_address_is_unproven_and_another_spelling_is_not_new() {
        let (before, none) = (ada(), ProfileChange::default());
        let moved = before.changed(&none, Some(&email("countess@example.org")), NOW);
        assert!(moved.has_moved(&before) && !moved.email_verified && moved.fields_changed(&before).is_empty());
        let respelled = before.changed(&none, Some(&email("Ada@Example.org")), NOW);
        assert!(!respelled.has_moved(&before) && respelled.email_verified);
        assert_eq!(respelled.fields_changed(&before), ["email"]);
    }
}
