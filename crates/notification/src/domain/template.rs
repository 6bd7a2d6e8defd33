//! The built-in templates: what can be told.

use super::category::Category;

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
    /// An administrator of the installation changed what an owner logs in with; told to the others.
    OwnerCredentialsChanged,
    /// An administrator of the instance gave what owners alone hold, by a role.
    PowersGiven,
    /// Somebody became an administrator of the instance; told to all of them.
    AdminGranted,
    /// Somebody is no administrator of the instance any more; told to all of them.
    AdminRevoked,
    /// An organization was suspended; told to its owners.
    OrganizationSuspended,
    /// A suspended organization was resumed; told to its owners.
    OrganizationResumed,
    /// A password was changed.
    PasswordChanged,
    /// A personal access token was made.
    AccessTokenCreated,
    /// Somebody asked for the address of this account.
    AddressInUse,
    /// An account shall move to this address; carries the code.
    EmailChange,
    /// The address of an account changed; told to both addresses.
    EmailChanged,
    /// A second factor was added.
    FactorAdded,
    /// A second factor was removed.
    FactorRemoved,
    /// An administrator removed all second factors.
    FactorsReset,
    /// Strangers failed to log in too often; carries the code by which a new device logs in.
    LoginCode,
    /// A person logged in on a device that was not known.
    NewDeviceUsed,
    /// A new password is asked for; carries the code.
    PasswordReset,
    /// An administrator set a password.
    PasswordSet,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// Somebody began to act as the person.
    UserImpersonated,
    /// Somebody registered with this address; carries the code.
    EmailVerification,
    /// Somebody tried to register with the address of this account.
    RegistrationAttempted,
    /// A person that registered has its account.
    Welcome,
    /// A person was added that logs in at its identity provider; says where.
    SignIn,
    /// An identity provider knows the account from now on.
    IdentityLinked,
    /// An identity provider does not know the account any more.
    IdentityUnlinked,
    /// A password ended, because its organization has none any more.
    PasswordRemoved,
    /// A policy opens datasets to the person.
    AssetPolicyActivated,
    /// A policy opens nothing to the person any more.
    AssetPolicyRevoked,
    /// Owners are asked to review a compute spec.
    ComputeSpecReviewRequested,
    /// One of several organizations approved its part of a compute spec.
    ComputeSpecPartlyApproved,
    /// A compute spec is approved.
    ComputeSpecApproved,
    /// A compute spec is rejected.
    ComputeSpecRejected,
    /// Something that a compute spec stood on ended.
    ComputeSpecRevoked,
    /// What a program or a person wants somebody to be told.
    Message,
    /// Several messages in one mail.
    Digest,
}

impl Template {
    /// All templates.
    pub(crate) const ALL: [Self; 41] = [
        Self::Invitation,
        Self::MemberBlocked,
        Self::MemberUnblocked,
        Self::MemberRolesChanged,
        Self::OwnerAdded,
        Self::OwnerCredentialsChanged,
        Self::PowersGiven,
        Self::AdminGranted,
        Self::AdminRevoked,
        Self::OrganizationSuspended,
        Self::OrganizationResumed,
        Self::PasswordChanged,
        Self::AccessTokenCreated,
        Self::AddressInUse,
        Self::EmailChange,
        Self::EmailChanged,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::FactorsReset,
        Self::LoginCode,
        Self::NewDeviceUsed,
        Self::PasswordReset,
        Self::PasswordSet,
        Self::RecoveryCodeUsed,
        Self::UserImpersonated,
        Self::EmailVerification,
        Self::RegistrationAttempted,
        Self::Welcome,
        Self::SignIn,
        Self::IdentityLinked,
        Self::IdentityUnlinked,
        Self::PasswordRemoved,
        Self::AssetPolicyActivated,
        Self::AssetPolicyRevoked,
        Self::ComputeSpecReviewRequested,
        Self::ComputeSpecPartlyApproved,
        Self::ComputeSpecApproved,
        Self::ComputeSpecRejected,
        Self::ComputeSpecRevoked,
        Self::Message,
        Self::Digest,
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
            Self::OwnerCredentialsChanged => "owner_credentials_changed",
            Self::PowersGiven => "powers_given",
            Self::AdminGranted => "admin_granted",
            Self::AdminRevoked => "admin_revoked",
            Self::OrganizationSuspended => "organization_suspended",
            Self::OrganizationResumed => "organization_resumed",
            Self::PasswordChanged => "password_changed",
            Self::AccessTokenCreated => "access_token_created",
            Self::AddressInUse => "address_in_use",
            Self::EmailChange => "email_change",
            Self::EmailChanged => "email_changed",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::FactorsReset => "factors_reset",
            Self::LoginCode => "login_code",
            Self::NewDeviceUsed => "new_device_used",
            Self::PasswordReset => "password_reset",
            Self::PasswordSet => "password_set",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::UserImpersonated => "user_impersonated",
            Self::EmailVerification => "email_verification",
            Self::RegistrationAttempted => "registration_attempted",
            Self::Welcome => "welcome",
            Self::SignIn => "sign_in",
            Self::IdentityLinked => "identity_linked",
            Self::IdentityUnlinked => "identity_unlinked",
            Self::PasswordRemoved => "password_removed",
            Self::AssetPolicyActivated => "asset_policy_activated",
            Self::AssetPolicyRevoked => "asset_policy_revoked",
            Self::ComputeSpecReviewRequested => "compute_spec_review_requested",
            Self::ComputeSpecPartlyApproved => "compute_spec_partly_approved",
            Self::ComputeSpecApproved => "compute_spec_approved",
            Self::ComputeSpecRejected => "compute_spec_rejected",
            Self::ComputeSpecRevoked => "compute_spec_revoked",
            Self::Message => "message",
            Self::Digest => "digest",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str() == name)
    }

    /// Returns what it is about when the suite itself sends it.
    pub(crate) const fn category(self) -> Category {
        if matches!(self, Self::Message | Self::Digest) {
            return Category::Message;
        }
        if self.is_of_workflow() {
            return Category::Workflow;
        }
        let opens_an_account = matches!(
            self,
            Self::Invitation | Self::EmailVerification | Self::RegistrationAttempted | Self::Welcome | Self::SignIn
        );
        if opens_an_account { Category::Account } else { Category::Security }
    }

    /// Tells whether it is a step of the data workflow.
    const fn is_of_workflow(self) -> bool {
        matches!(
            self,
            Self::AssetPolicyActivated
                | Self::AssetPolicyRevoked
                | Self::ComputeSpecReviewRequested
                | Self::ComputeSpecPartlyApproved
                | Self::ComputeSpecApproved
                | Self::ComputeSpecRejected
                | Self::ComputeSpecRevoked
        )
    }

    /// Tells whether it shows a secret.
    pub(crate) const fn needs_secret(self) -> bool {
        matches!(
            self,
            Self::Invitation | Self::EmailVerification | Self::PasswordReset | Self::EmailChange | Self::LoginCode
        )
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
