//! The account of a person.

use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::{EmailAddress, Institution, PersonName, Website};
use rolecall_kernel::time::Timestamp;

/// Where an account stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserState {
    /// No password yet, so nobody can log in.
    Invited,
    /// The person set a password.
    Active,
}

impl UserState {
    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "INVITED",
            Self::Active => "ACTIVE",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Invited, Self::Active].into_iter().find(|state| state.as_str() == text)
    }
}

/// Who a person is, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Full name as it is shown.
    pub(crate) name: PersonName,
    /// Given name.
    pub(crate) given_name: Option<PersonName>,
    /// Family name.
    pub(crate) family_name: Option<PersonName>,
    /// Where the person works.
    pub(crate) institution: Option<Institution>,
    /// Web address.
    pub(crate) website: Option<Website>,
}

impl Profile {
    /// Joins given and family name where no full name is given.
    pub(crate) fn full_name(given: Option<&PersonName>, family: Option<&PersonName>) -> Option<PersonName> {
        let parts: Vec<&str> = [given, family].into_iter().flatten().map(PersonName::as_str).collect();
        // Two parts of the longest kind are too long together; the family name alone always fits.
        PersonName::parse(&parts.join(" ")).ok().or_else(|| family.cloned())
    }
}

/// The account of a person; a member of exactly one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct User {
    /// Identifier.
    pub(crate) user_id: UserId,
    /// The organization that the person belongs to.
    pub(crate) organization_id: OrganizationId,
    /// E-mail address.
    pub(crate) email: EmailAddress,
    /// Whether the person proved the address.
    pub(crate) email_verified: bool,
    /// Who the person is.
    pub(crate) profile: Profile,
    /// Where the account stands in its life.
    pub(crate) state: UserState,
    /// Grows with each change.
    pub(crate) version: i64,
    /// When the account was made.
    pub(crate) created: Timestamp,
    /// When it was last changed.
    pub(crate) updated: Timestamp,
    /// When the person last logged in.
    pub(crate) last_login: Option<Timestamp>,
}

impl User {
    /// Makes the account of a person that is invited or, at installation, active at once.
    pub(crate) fn new(
        user_id: UserId,
        organization_id: OrganizationId,
        email: EmailAddress,
        profile: Profile,
        state: UserState,
        now: Timestamp,
    ) -> Self {
        Self {
            user_id,
            organization_id,
            email,
            // Only a code that came by mail proves an address.
            email_verified: false,
            profile,
            state,
            version: 1,
            created: now,
            updated: now,
            last_login: None,
        }
    }

    /// What a password of this person must not be made of.
    pub(crate) fn context_words(&self, organization_name: &str) -> Vec<String> {
        password_context(&self.email, &self.profile, organization_name)
    }
}

/// What a person's password must not be made of.
pub(crate) fn password_context(email: &EmailAddress, profile: &Profile, organization_name: &str) -> Vec<String> {
    let names = [Some(&profile.name), profile.given_name.as_ref(), profile.family_name.as_ref()];
    let mut words: Vec<String> = names.into_iter().flatten().map(|name| name.as_str().to_owned()).collect();
    words.push(email.as_str().to_owned());
    words.push(organization_name.to_owned());
    words.extend(profile.institution.as_ref().map(|institution| institution.as_str().to_owned()));
    words
}

/// What organization knows of a person, shown beside the account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Membership {
    /// Names of the roles.
    pub(crate) roles: Vec<String>,
    /// Whether the person is blocked now.
    pub(crate) blocked: bool,
}

impl Membership {
    /// Whether the person holds a role.
    pub(crate) fn holds(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// An account as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserView {
    /// The account.
    pub(crate) user: User,
    /// The membership.
    pub(crate) membership: Membership,
    /// Whether the next login demands a new password first.
    pub(crate) password_change_required: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_is_joined_from_its_parts_and_never_too_long() {
        let name = |text: &str| PersonName::parse(text).expect("valid");
        let joined = Profile::full_name(Some(&name("Ada")), Some(&name("Lovelace")));
        assert_eq!(joined, Some(name("Ada Lovelace")));
        let long = name(&"a".repeat(100));
        assert_eq!(Profile::full_name(Some(&long), Some(&long)), Some(long.clone()));
        assert_eq!(Profile::full_name(None, Some(&name("Plato"))), Some(name("Plato")));
        assert_eq!(Profile::full_name(None, None), None);
    }
}
