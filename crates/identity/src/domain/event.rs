//! What happened: appended to the outbox in the transaction of the change.

use rolecall_kernel::id::{ApiKeyId, InvitationId, OrganizationId, SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;

use crate::domain::session::EndReason;

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
    /// A person logged in.
    LoginSucceeded(SessionId),
    /// Somebody failed to log in.
    LoginFailed(LoginFailure),
    /// A session ended.
    SessionEnded(SessionId, EndReason),
    /// A used refresh token came again.
    RefreshTokenReused(SessionId),
    /// A person changed its password.
    PasswordChanged,
    /// A service account was made, with these permissions.
    ServiceAccountCreated(Vec<String>),
    /// A service account was deleted.
    ServiceAccountDeleted,
    /// A key was made.
    ApiKeyCreated(ApiKeyId),
    /// A key was deleted.
    ApiKeyDeleted(ApiKeyId),
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
}

impl LoginFailure {
    /// Returns its name in events.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAddress => "unknown_address",
            Self::WrongPassword => "wrong_password",
            Self::Throttled => "throttled",
            Self::Inactive => "inactive",
        }
    }
}
