//! Invitations: a code by mail that makes an account active, once.

use rolecall_kernel::id::{InvitationId, OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

/// What every code begins with.
pub(crate) const PREFIX: &str = "rci_";

/// Where an invitation stands in its life.
///
/// `PENDING -> CLAIMED -> ACCEPTED` when all goes well; `CLAIMED -> PENDING` when organization could
/// not be asked; `CLAIMED -> VOID` when the inviter lost the right; `PENDING -> REPLACED` by a newer one;
/// `-> REVOKED` by somebody who may, or with the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InvitationState {
    /// The code can be used.
    Pending,
    /// Somebody used the code; the acceptance is under way.
    Claimed,
    /// The account is active.
    Accepted,
    /// A newer invitation took its place.
    Replaced,
    /// Somebody who may ended it, or the account was deleted.
    Revoked,
    /// The inviter lost the right to invite.
    Void,
}

impl InvitationState {
    const ALL: [Self; 6] = [Self::Pending, Self::Claimed, Self::Accepted, Self::Replaced, Self::Revoked, Self::Void];

    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Claimed => "CLAIMED",
            Self::Accepted => "ACCEPTED",
            Self::Replaced => "REPLACED",
            Self::Revoked => "REVOKED",
            Self::Void => "VOID",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// An invitation, without its code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct Invitation {
    /// Identifier.
    pub(crate) invitation_id: InvitationId,
    /// The invited account.
    pub(crate) user_id: UserId,
    /// The organization that the person is invited into.
    pub(crate) organization_id: OrganizationId,
    /// Who invited; its right is checked again at acceptance.
    pub(crate) inviter_id: SubjectId,
    /// Whether the code went by mail, so that using it proves the address.
    pub(crate) mailed: bool,
    /// Where it stands.
    pub(crate) state: InvitationState,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// When the code ends.
    pub(crate) expires: Timestamp,
}

impl Invitation {
    /// Whether the code can be used now.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.state == InvitationState::Pending && now < self.expires
    }
}

/// An invitation as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvitationView {
    /// The invitation.
    pub(crate) invitation: Invitation,
    /// The address that is invited.
    pub(crate) email: EmailAddress,
}

/// What the mail of an invitation shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvitationMail {
    /// Name of the organization.
    pub(crate) organization_name: String,
    /// Name of who invites; empty when the installation does.
    pub(crate) inviter_name: String,
}
