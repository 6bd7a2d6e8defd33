//! How the person of a new account will log in.

use rolecall_authz::Scope;
use rolecall_kernel::id::OrganizationId;

use super::super::Resources;
use super::super::delivery::{self, Delivery};
use super::{Command, Error};
use crate::domain::password::Password;
use crate::domain::saga::SagaKind;
use crate::domain::user::{UserState, password_context};
use crate::hashing::ImportedHash;
use crate::peers::OrganizationName;

/// What whoever chooses passwords for others needs.
pub(crate) const SET_PASSWORD: &str = "identity.users.set_password";

/// How the person will log in; what needs another permission holds the scope of that.
#[derive(Debug)]
pub(crate) enum Credential {
    /// By a password that it sets when it accepts its invitation.
    Invitation(Delivery),
    /// By a password that the actor chose.
    Password {
        /// The password.
        password: Password,
        /// Whether the first login demands a new one.
        change_required: bool,
        /// Where the actor may set passwords.
        scope: Scope,
    },
    /// By the password that it has elsewhere.
    Imported {
        /// The hash of that.
        hash: ImportedHash,
        /// Where the actor may set passwords.
        scope: Scope,
    },
    /// At the identity provider of its organization, and nowhere else.
    SingleSignOn {
        /// Whether the person is told by mail, and has still to prove its address; otherwise it just logged in, and its
        /// provider vouches for the address.
        mailed: bool,
    },
}

impl Credential {
    /// Returns the permission that the actor would need in an organization to give it, and lacks there.
    pub(super) fn lacks_in(&self, organization: OrganizationId) -> Option<&'static str> {
        let (permission, scope) = match self {
            Self::Invitation(Delivery::Send) | Self::SingleSignOn { .. } => return None,
            Self::Invitation(Delivery::Return(scope)) => (delivery::PERMISSION, scope),
            Self::Password { scope, .. } | Self::Imported { scope, .. } => (SET_PASSWORD, scope),
        };
        (!scope.includes_organization(organization)).then_some(permission)
    }

    /// Whether the account is active at once.
    pub(super) const fn is_active(&self) -> bool {
        match self {
            Self::Invitation(_) => false,
            Self::Password { .. } | Self::Imported { .. } | Self::SingleSignOn { .. } => true,
        }
    }

    /// Where the account stands at first.
    pub(super) const fn state(&self) -> UserState {
        if self.is_active() { UserState::Active } else { UserState::Invited }
    }

    /// What kind of work making the account is.
    pub(super) const fn saga(&self) -> SagaKind {
        if self.is_active() { SagaKind::CreateActiveUser } else { SagaKind::CreateUser }
    }

    /// Whether the first login demands a new password.
    pub(super) const fn change_required(&self) -> bool {
        match self {
            Self::Password { change_required, .. } => *change_required,
            Self::Invitation(_) | Self::Imported { .. } | Self::SingleSignOn { .. } => false,
        }
    }

    /// Its name in the event that tells of the account.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Invitation(_) => "invitation",
            Self::Password { .. } => "initial_password",
            Self::Imported { .. } => "imported_hash",
            Self::SingleSignOn { .. } => "single_sign_on",
        }
    }

    /// Whether somebody made the account for a person who is not there.
    pub(super) const fn is_mailed(&self) -> bool {
        matches!(self, Self::SingleSignOn { mailed: true })
    }

    /// Whether the address is proven from the beginning.
    pub(super) const fn proves_address(&self) -> bool {
        match self {
            Self::SingleSignOn { mailed } => !*mailed,
            Self::Invitation(_) | Self::Password { .. } | Self::Imported { .. } => false,
        }
    }
}

/// Makes the hash to store, of a password that satisfies the policy; none where the person sets it.
pub(super) async fn hash(
    resources: &Resources,
    command: &Command,
    organization: &OrganizationName,
) -> Result<Option<String>, Error> {
    match &command.credential {
        Credential::Invitation(_) | Credential::SingleSignOn { .. } => Ok(None),
        Credential::Imported { hash, .. } => Ok(Some(hash.as_str().to_owned())),
        Credential::Password { password, .. } => {
            let context = password_context(&command.email, &command.profile, &organization.name);
            let settings = resources.organization.settings(organization.organization_id).await?;
            let everywhere = resources.password_policy;
            let policy = settings.map_or(everywhere, |settings| settings.password_policy(everywhere));
            let hashed = resources.hashing.check_and_hash(policy, password.clone(), context, command.deadline).await;
            Ok(Some(hashed.map_err(|error| Error::Fault(error.into()))?.map_err(Error::PasswordRefused)?))
        }
    }
}
