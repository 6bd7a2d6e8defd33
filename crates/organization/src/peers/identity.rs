//! Identity: makes the account of an organization's first owner.

use rolecall_api::identity::v1 as pb;
use rolecall_api::identity::v1::directory_service_client::DirectoryServiceClient;
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::text::OrganizationName;
use rolecall_rpc::channel::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::domain::organization::OwnerContact;

/// Whom to invite into what.
#[derive(Debug, Clone)]
pub(crate) struct FirstOwnerInvitation {
    pub(crate) user_id: UserId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) organization_name: OrganizationName,
    pub(crate) actor_id: SubjectId,
    pub(crate) owner: OwnerContact,
}

/// Why nobody was invited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InviteError {
    /// The address belongs to another account.
    #[error("the address is taken")]
    EmailTaken,
    /// Identity will never do it, and has done nothing.
    #[error("identity refused: {0}")]
    Refused(String),
    /// It is not known whether it was done.
    #[error("identity is out of reach: {0}")]
    Unavailable(String),
}

/// Identity does not answer.
#[derive(Debug, thiserror::Error)]
#[error("identity is out of reach")]
pub(crate) struct IdentityUnavailable(#[source] Box<Status>);

/// What single sign-on needs that only identity knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SingleSignOn {
    /// Whether an identity provider of the organization serves.
    pub(crate) has_provider: bool,
    /// Whether the break-glass owner has confirmed a second factor.
    pub(crate) has_factor: bool,
}

/// The way to identity.
#[derive(Debug, Clone)]
pub(crate) struct IdentityPeer(DirectoryServiceClient<Channel>);

impl IdentityPeer {
    pub(crate) fn new(channel: Channel) -> Self {
        Self(DirectoryServiceClient::new(channel))
    }

    /// Makes the account and invites it; repeating it with the same account changes nothing.
    pub(crate) async fn invite_first_owner(&self, invitation: &FirstOwnerInvitation) -> Result<(), InviteError> {
        let owner = invitation.owner.clone();
        let request = pb::InviteFirstOwnerRequest {
            user_id: invitation.user_id.to_string(),
            organization_id: invitation.organization_id.to_string(),
            organization_name: invitation.organization_name.as_str().to_owned(),
            actor_id: invitation.actor_id.to_string(),
            email: owner.email,
            name: owner.full_name,
            given_name: owner.given_name,
            family_name: owner.family_name,
        };
        self.0.clone().invite_first_owner(request).await.map(drop).map_err(|status| classify(&status))
    }

    /// Asks whether an organization can do without passwords.
    pub(crate) async fn check_single_sign_on(
        &self,
        organization: OrganizationId,
        break_glass: UserId,
    ) -> Result<SingleSignOn, IdentityUnavailable> {
        let request = pb::CheckSingleSignOnRequest {
            organization_id: organization.to_string(),
            break_glass_user_id: break_glass.to_string(),
        };
        let answer = self.0.clone().check_single_sign_on(request).await;
        let answer = answer.map_err(|status| IdentityUnavailable(Box::new(status)))?.into_inner();
        Ok(SingleSignOn { has_provider: answer.has_provider, has_factor: answer.has_factor })
    }

    /// Asks whether organizations that take registrations are listed for anyone.
    pub(crate) async fn has_directory(&self) -> Result<bool, IdentityUnavailable> {
        let answer = self.0.clone().get_instance(pb::GetInstanceRequest {}).await;
        let answer = answer.map_err(|status| IdentityUnavailable(Box::new(status)))?;
        Ok(answer.into_inner().organization_directory)
    }
}

fn classify(status: &Status) -> InviteError {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    if reason == "EMAIL_TAKEN" {
        return InviteError::EmailTaken;
    }
    let why = format!("{:?} {reason}", status.code());
    match status.code() {
        Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition | Code::OutOfRange => {
            InviteError::Refused(why)
        }
        // Also what says that *we* are not let in: an operator mends it, and the work goes on.
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => InviteError::Unavailable(why),
    }
}

#[cfg(test)]
mod tests {
    use rolecall_rpc::status::{StatusBuilder, domain};

    use super::*;

    #[test]
    fn only_a_clear_no_undoes_what_was_begun() {
        let status = |code, reason| StatusBuilder::new(code, domain::IDENTITY, reason, "No.").build();
        assert_eq!(classify(&status(Code::AlreadyExists, "EMAIL_TAKEN")), InviteError::EmailTaken);
        let refused = classify(&status(Code::InvalidArgument, "REQUEST_INVALID"));
        assert!(matches!(refused, InviteError::Refused(_)));
        for code in [Code::Unavailable, Code::DeadlineExceeded, Code::Internal, Code::Cancelled, Code::Unknown] {
            assert!(matches!(classify(&status(code, "X")), InviteError::Unavailable(_)), "{code:?}");
        }
    }
}
