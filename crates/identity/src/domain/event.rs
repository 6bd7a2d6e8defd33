//! What happened: appended to the outbox in the transaction of the change.

use rolecall_kernel::id::{
    AccessTokenId, ApiKeyId, FactorId, IdentityProviderId, InvitationId, KeyId, OrganizationId, RegistrationId,
    SessionId, SubjectId,
};
use rolecall_kernel::text::{EmailAddress, EmailDomain, Reason};
use rolecall_kernel::time::Timestamp;

use crate::domain::session::{AuthMethods, EndReason};

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happened {
    /// Who did it; none when nobody was signed in.
    pub(crate) actor: Option<SubjectId>,
    /// The organization that it concerns; none for the installation.
    pub(crate) organization_id: Option<OrganizationId>,
    /// Whom it happened to.
    pub(crate) target: Option<SubjectId>,
    /// When.
    pub(crate) occurred: Timestamp,
    /// What.
    pub(crate) event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The installation got its first administrator.
    InstanceBootstrapped,
    /// An account was made and its person invited.
    UserInvited {
        /// The invitation.
        invitation_id: InvitationId,
        /// The roles that wait.
        roles: Vec<String>,
    },
    /// A new invitation replaced the one before.
    InvitationResent(InvitationId),
    /// A person accepted its invitation.
    InvitationAccepted(InvitationId),
    /// An invitation ended because the inviter lost the right to it.
    InvitationVoided(InvitationId),
    /// An invitation was ended.
    InvitationRevoked(InvitationId),
    /// An account was made whose person can log in at once.
    UserCreated {
        /// Its roles.
        roles: Vec<String>,
        /// By what the person logs in: `initial_password` or `imported_hash`.
        credential: &'static str,
    },
    /// An account was deleted.
    UserDeleted {
        /// Whether what names the person is erased everywhere.
        erased: bool,
    },
    /// What named the person of a deleted account was erased.
    UserErased,
    /// An administrator set a password.
    PasswordSet,
    /// Somebody asked for an account; nothing is alive yet.
    RegistrationRequested(RegistrationId),
    /// A person that registered has its account.
    UserRegistered {
        /// The registration.
        registration_id: RegistrationId,
        /// Its roles.
        roles: Vec<String>,
    },
    /// A person proved the address of its account.
    EmailVerified,
    /// A person proved an address: its keyed hash.
    EmailProven(String),
    /// An account that nobody had proven gave its address to whoever did.
    AddressYielded,
    /// A person logged in, by these methods.
    LoginSucceeded(SessionId, AuthMethods),
    /// Somebody failed to log in.
    LoginFailed(LoginFailure),
    /// A person logged in on a device that was not known, and not for the first time.
    NewDeviceUsed(SessionId),
    /// A code was mailed by which a new device logs in.
    LoginCodeMailed,
    /// Calls of the actor were refused.
    CallsRefused {
        /// To which method.
        method: String,
        /// How many.
        count: u32,
        /// Why.
        reasons: Vec<String>,
    },
    /// A session ended.
    SessionEnded(SessionId, EndReason),
    /// A used refresh token came again.
    RefreshTokenReused(SessionId),
    /// These fields of a profile were changed.
    AccountUpdated(Vec<&'static str>),
    /// A person changed its password.
    PasswordChanged,
    /// A code for a new password was made.
    PasswordResetRequested {
        /// Whether it was given to the actor instead of mailed.
        returned: bool,
    },
    /// A person asked to move to another address.
    EmailChangeRequested,
    /// The address of an account changed.
    EmailChanged {
        /// The address before.
        old: EmailAddress,
        /// The address now.
        new: EmailAddress,
    },
    /// A person added a second factor.
    FactorAdded(FactorId),
    /// A person removed a second factor.
    FactorRemoved(FactorId),
    /// An administrator removed all factors of a person.
    FactorsReset,
    /// A person made new recovery codes.
    RecoveryCodesRegenerated,
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many are left.
        left: u64,
    },
    /// A person proved once more who it is.
    Reauthenticated(SessionId),
    /// A service account was made, with these permissions.
    ServiceAccountCreated(Vec<String>),
    /// A service account was deleted.
    ServiceAccountDeleted,
    /// A key was made.
    ApiKeyCreated(ApiKeyId),
    /// A key was deleted.
    ApiKeyDeleted(ApiKeyId),
    /// A service account was changed; it holds these permissions now.
    ServiceAccountUpdated(Vec<String>),
    /// A personal access token was made.
    AccessTokenCreated {
        /// The token.
        access_token_id: AccessTokenId,
        /// What it is narrowed to.
        permissions: Vec<String>,
    },
    /// A personal access token was ended.
    AccessTokenRevoked(AccessTokenId),
    /// Somebody began to act as a person.
    UserImpersonated(Impersonated),
    /// Somebody began to act as a guest of an organization.
    GuestImpersonated(Impersonated),
    /// A stranger began to look around as a guest.
    GuestLoggedIn {
        /// When the guest ends at the latest.
        expires: Timestamp,
    },
    /// The settings of the instance changed; each is `name=value`.
    InstanceSettingsChanged {
        /// As they were.
        old_settings: Vec<String>,
        /// As they are now.
        new_settings: Vec<String>,
    },
    /// An identity provider was connected.
    IdentityProviderCreated(IdentityProviderId),
    /// An identity provider was changed.
    IdentityProviderUpdated(IdentityProviderId),
    /// An identity provider was disconnected.
    IdentityProviderDeleted(IdentityProviderId),
    /// An organization claimed a mail domain.
    DomainClaimed(EmailDomain),
    /// An organization proved a mail domain.
    DomainVerified(EmailDomain),
    /// The proof of a mail domain is gone.
    DomainLost(EmailDomain),
    /// An organization gave a mail domain up.
    DomainDeleted(EmailDomain),
    /// A provider knows a person from now on.
    IdentityLinked(IdentityProviderId),
    /// A provider does not know a person any more.
    IdentityUnlinked(IdentityProviderId),
    /// The password of a person ended, because its organization has none any more.
    PasswordRemoved,
    /// A signing key was made.
    SigningKeyRotated {
        /// The key.
        key_id: KeyId,
        /// Whether the keys before ended at once.
        retired_previous: bool,
    },
}

/// How somebody acts as another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impersonated {
    /// The session in which it does.
    pub(crate) session_id: SessionId,
    /// Why.
    pub(crate) reason: Reason,
    /// Whether it only reads.
    pub(crate) read_only: bool,
    /// When it ends at the latest.
    pub(crate) expires: Timestamp,
}

/// Why a login failed; for auditors only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginFailure {
    /// No account has the address.
    UnknownAddress,
    /// The password is another.
    WrongPassword,
    /// It came before its time.
    Throttled,
    /// The account is invited or blocked, or its organization is.
    Inactive,
    /// The code of the second factor is another, or was used.
    WrongFactorCode,
    /// The organization logs in at its identity provider alone.
    SsoRequired,
    /// An identity provider did not vouch for the person as it has to.
    SsoRefused,
    /// Too many failures: it takes a known device, or a mailed code.
    Locked,
}

impl LoginFailure {
    /// Returns its name in events.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAddress => "unknown_address",
            Self::WrongPassword => "wrong_password",
            Self::Throttled => "throttled",
            Self::Inactive => "inactive",
            Self::WrongFactorCode => "wrong_factor_code",
            Self::SsoRequired => "sso_required",
            Self::SsoRefused => "sso_refused",
            Self::Locked => "locked",
        }
    }
}
