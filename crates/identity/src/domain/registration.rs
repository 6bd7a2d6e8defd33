//! Registrations: what a person says of itself until it proves its address, and no longer than a day.

use std::time::Duration;

use rolecall_kernel::id::{OrganizationId, RegistrationId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::user::{Profile, User, UserState};

/// What every code begins with.
pub(crate) const PREFIX: &str = "rcv_";

/// How long a code works, and how long what a stranger said is kept.
pub(crate) const LIFETIME: Duration = Duration::from_hours(24);

/// What everybody who registers becomes; no request has a say in it.
pub(crate) const ROLE: &str = "DATA_SCIENTIST";

/// What a person said of itself. Nothing of it is alive: who reads the mail at the address decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct Registration {
    /// Identifier.
    pub(crate) registration_id: RegistrationId,
    /// Where the person wants to belong.
    pub(crate) organization_id: OrganizationId,
    /// The address, not proven yet.
    pub(crate) email: EmailAddress,
    /// Who the person is.
    pub(crate) profile: Profile,
    /// When the code ends.
    pub(crate) expires: Timestamp,
}

impl Registration {
    /// The account that the proof of the address makes.
    pub(crate) fn account(&self, user_id: UserId, now: Timestamp) -> User {
        let (email, profile) = (self.email.clone(), self.profile.clone());
        let user = User::new(user_id, self.organization_id, email, profile, UserState::Active, now);
        User { email_verified: true, ..user }
    }

    /// The person as mails and password rules know it while there is no account.
    pub(crate) fn person(&self) -> User {
        let user_id = UserId::from_uuid(self.registration_id.as_uuid());
        User { email_verified: false, ..self.account(user_id, self.expires) }
    }
}

/// Whether an account gives its address to whoever proves it: one that nobody has proven so far.
pub(crate) const fn yields(account: &User) -> bool {
    !account.email_verified
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::text::PersonName;

    use super::*;

    #[test]
    fn an_account_is_proven_and_a_person_that_waits_is_not() {
        let now = Timestamp::from_seconds(1_000);
        let registration = Registration {
            registration_id: RegistrationId::new(now, &SystemEntropy),
            organization_id: OrganizationId::new(now, &SystemEntropy),
            email: EmailAddress::parse("ada@example.org").expect("valid"),
            profile: Profile {
                name: PersonName::parse("Ada").expect("valid"),
                given_name: None,
                family_name: None,
                institution: None,
                website: None,
            },
            expires: now.plus(LIFETIME),
        };
        let account = registration.account(UserId::new(now, &SystemEntropy), now);
        assert!(account.state == UserState::Active && !yields(&account));
        assert!(yields(&registration.person()));
    }
}
