//! The organization context: who belongs where and may do what.

use std::collections::HashMap;

use rolecall_api::organization::v1::membership_service_client::MembershipServiceClient;
use rolecall_api::organization::v1::{
    ActivateMemberRequest, AddMemberRequest, AddServiceAccountRequest, BatchGetMembersRequest,
    BatchGetOrganizationsRequest, BootstrapOrganizationRequest, ChangeMemberRolesRequest, CheckAddMemberRequest,
    ConfirmMemberRequest, EndMemberRequest, GetSubjectAccessRequest, RemoveMemberRequest, RemoveServiceAccountRequest,
    UpdateServiceAccountRequest,
};
use rolecall_authz::SubjectKind;
use rolecall_kernel::id::{OrganizationId, ServiceAccountId, SubjectId, UserId};
use rolecall_rpc::channel::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::convert;
use super::settings::{self, OrganizationSettings};
use crate::domain::factor::MfaPolicy;
use crate::domain::service_account::ServiceAccount;
use crate::domain::user::Membership;

/// Why organization did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// It is out of reach; whether it did something is unknown.
    #[error("organization is out of reach")]
    Unavailable(#[source] Box<Status>),
    /// It refuses, for a reason that a caller can act on.
    #[error("organization refuses: {0:?}")]
    Refused(Refusal),
    /// It answered something that makes no sense.
    #[error("organization answered something unexpected")]
    Broken(#[source] Box<Status>),
}

/// A refusal that a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No such organization within what the actor may see.
    OrganizationNotFound,
    /// The organization is suspended.
    OrganizationSuspended,
    /// One of the roles is beyond what the actor may grant.
    RoleNotGrantable,
    /// One of the permissions is beyond what the actor may give.
    PermissionNotGrantable,
    /// The actor may not do this at all.
    ActorNotEntitled,
    /// The inviter may no longer invite.
    InviterNotEntitled,
    /// A name of a role or permission is none.
    RequestInvalid,
    /// Nobody like that.
    NotFound,
    /// There is a home organization already.
    AlreadyBootstrapped,
    /// Nobody does this to itself.
    SelfRefused,
    /// Nobody who can act would be in charge.
    LastHolder,
    /// The organization takes no registrations, or nobody may see it.
    RegistrationClosed,
    /// The organization wants addresses of other domains.
    EmailDomainRefused,
    /// The member changed since the version that the change is based on.
    EtagMismatch,
    /// The organization allows no guests, or there is none.
    GuestsNotAllowed,
}

impl Refusal {
    fn parse(reason: &str) -> Option<Self> {
        Some(match reason {
            "ORGANIZATION_NOT_FOUND" => Self::OrganizationNotFound,
            "ORGANIZATION_SUSPENDED" => Self::OrganizationSuspended,
            "ROLE_NOT_GRANTABLE" => Self::RoleNotGrantable,
            "PERMISSION_NOT_GRANTABLE" => Self::PermissionNotGrantable,
            "ACTOR_NOT_ENTITLED" => Self::ActorNotEntitled,
            "INVITER_NOT_ENTITLED" => Self::InviterNotEntitled,
            "REQUEST_INVALID" => Self::RequestInvalid,
            "MEMBER_NOT_FOUND" | "SUBJECT_NOT_FOUND" => Self::NotFound,
            "ALREADY_BOOTSTRAPPED" => Self::AlreadyBootstrapped,
            "SELF_REFUSED" => Self::SelfRefused,
            "LAST_OWNER" | "LAST_ADMIN" | "BREAK_GLASS_OWNER" => Self::LastHolder,
            "REGISTRATION_CLOSED" => Self::RegistrationClosed,
            "EMAIL_DOMAIN_REFUSED" => Self::EmailDomainRefused,
            "ETAG_MISMATCH" => Self::EtagMismatch,
            "GUESTS_NOT_ALLOWED" => Self::GuestsNotAllowed,
            _ => return None,
        })
    }
}

impl From<Status> for PeerError {
    fn from(status: Status) -> Self {
        let info = status.get_details_error_info();
        let refusal = info
            .filter(|info| info.domain == rolecall_rpc::status::domain::ORGANIZATION)
            .and_then(|info| Refusal::parse(&info.reason));
        match (refusal, status.code()) {
            (Some(refusal), _) => Self::Refused(refusal),
            (
                None,
                Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Aborted | Code::Cancelled,
            ) => Self::Unavailable(Box::new(status)),
            (None, _) => Self::Broken(Box::new(status)),
        }
    }
}

/// An organization by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrganizationName {
    /// Identifier.
    pub(crate) organization_id: OrganizationId,
    /// Name.
    pub(crate) name: String,
    /// What it demands of the logins of its members.
    pub(crate) mfa_policy: MfaPolicy,
}

/// Whether a subject may act, as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whether it is an active member of an active organization, and not blocked.
    pub(crate) active: bool,
}

/// Roles to be given to a member, `ADMIN` aside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoleChange<'a> {
    /// The member.
    pub(crate) user_id: UserId,
    /// Their names.
    pub(crate) roles: &'a [String],
    /// Who gives them.
    pub(crate) actor: SubjectId,
    /// The version that the change is based on.
    pub(crate) etag: &'a str,
    /// Checks everything and changes nothing.
    pub(crate) validate_only: bool,
}

/// Who a subject is and what it may do, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// What kind of account it is; none for a kind that this version does not know.
    pub(crate) kind: Option<SubjectKind>,
    /// Where it belongs; none for the whole instance.
    pub(crate) organization_id: Option<OrganizationId>,
    /// Whether it is an active member of an active organization, and not blocked.
    pub(crate) active: bool,
    /// The permissions that it holds, wherever that is.
    pub(crate) permissions: Vec<String>,
}

pub(super) type Answer<T> = Result<T, PeerError>;

/// The organization context.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    client: MembershipServiceClient<Channel>,
}

impl Organization {
    /// Takes the way to it.
    pub(crate) fn new(channel: Channel) -> Self {
        Self { client: MembershipServiceClient::new(channel) }
    }

    pub(super) fn client(&self) -> MembershipServiceClient<Channel> {
        self.client.clone()
    }

    /// Makes the home organization with its first administrator; repeatable.
    pub(crate) async fn bootstrap(
        &self,
        id: OrganizationId,
        name: &str,
        mfa_policy: MfaPolicy,
        user_id: UserId,
    ) -> Answer<()> {
        let request = BootstrapOrganizationRequest {
            organization_id: id.to_string(),
            name: name.to_owned(),
            user_id: user_id.to_string(),
            mfa_policy: convert::mfa_policy(mfa_policy).into(),
        };
        self.client().bootstrap_organization(request).await?;
        Ok(())
    }

    /// Adds a hidden member; repeatable.
    pub(crate) async fn add_member(
        &self,
        user_id: UserId,
        organization: Option<OrganizationId>,
        roles: &[String],
        actor: SubjectId,
    ) -> Answer<OrganizationName> {
        let request = AddMemberRequest {
            user_id: user_id.to_string(),
            organization_id: convert::optional(organization),
            roles: roles.to_vec(),
            actor_id: actor.to_string(),
        };
        let answer = self.client().add_member(request).await?.into_inner();
        convert::organization(answer.organization)
    }

    /// Checks what adding would check.
    pub(crate) async fn check_add_member(
        &self,
        organization: Option<OrganizationId>,
        roles: &[String],
        actor: SubjectId,
    ) -> Answer<OrganizationName> {
        let request = CheckAddMemberRequest {
            organization_id: convert::optional(organization),
            roles: roles.to_vec(),
            actor_id: actor.to_string(),
        };
        let answer = self.client().check_add_member(request).await?.into_inner();
        convert::organization(answer.organization)
    }

    /// Reveals a member; repeatable.
    pub(crate) async fn confirm_member(&self, user_id: UserId) -> Answer<()> {
        let request = ConfirmMemberRequest { user_id: user_id.to_string() };
        self.client().confirm_member(request).await?;
        Ok(())
    }

    /// Makes the roles of an invited member count, if its inviter may still invite; repeatable.
    pub(crate) async fn activate_member(&self, user_id: UserId, inviter: SubjectId) -> Answer<Membership> {
        let request = ActivateMemberRequest { user_id: user_id.to_string(), inviter_id: inviter.to_string() };
        let answer = self.client().activate_member(request).await?.into_inner();
        Ok(convert::membership(answer.member.unwrap_or_default()))
    }

    /// Takes a member back that is not active; repeatable.
    pub(crate) async fn remove_member(&self, user_id: UserId) -> Answer<()> {
        let request = RemoveMemberRequest { user_id: user_id.to_string() };
        self.client().remove_member(request).await?;
        Ok(())
    }

    /// Ends a member whose account is deleted, if the actor may; repeatable.
    pub(crate) async fn end_member(&self, user_id: UserId, actor: SubjectId) -> Answer<()> {
        let request = EndMemberRequest { user_id: user_id.to_string(), actor_id: actor.to_string() };
        self.client().end_member(request).await?;
        Ok(())
    }

    /// Reads memberships; unknown ones are left out.
    pub(crate) async fn members(&self, ids: impl IntoIterator<Item = UserId>) -> Answer<HashMap<UserId, Membership>> {
        let user_ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
        if user_ids.is_empty() {
            return Ok(HashMap::new());
        }
        let answer = self.client().batch_get_members(BatchGetMembersRequest { user_ids }).await?.into_inner();
        answer
            .members
            .into_iter()
            .map(|member| Ok((convert::user_id(&member.user_id)?, convert::membership(member))))
            .collect()
    }

    /// Reads one membership; a person without one holds no role.
    pub(crate) async fn member(&self, id: UserId) -> Answer<Membership> {
        Ok(self.members([id]).await?.remove(&id).unwrap_or_default())
    }

    /// Reads one membership with its version, which a change of it can be based on.
    pub(crate) async fn member_with_etag(&self, id: UserId) -> Answer<(Membership, String)> {
        let request = BatchGetMembersRequest { user_ids: vec![id.to_string()] };
        let answer = self.client().batch_get_members(request).await?.into_inner();
        Ok(convert::member_with_etag(answer.members.into_iter().next().unwrap_or_default()))
    }

    /// Replaces the roles of a member, based on a version of it; repeatable. Returns it as it is then.
    pub(crate) async fn change_member_roles(&self, change: &RoleChange<'_>) -> Answer<(Membership, String)> {
        let request = ChangeMemberRolesRequest {
            user_id: change.user_id.to_string(),
            roles: change.roles.to_vec(),
            actor_id: change.actor.to_string(),
            etag: change.etag.to_owned(),
            validate_only: change.validate_only,
        };
        let answer = self.client().change_member_roles(request).await?.into_inner();
        Ok(convert::member_with_etag(answer.member.unwrap_or_default()))
    }

    /// Asks what an organization is called, and how it wants to be run; none for one that does not exist.
    pub(crate) async fn settings(&self, id: OrganizationId) -> Answer<Option<OrganizationSettings>> {
        let request = BatchGetOrganizationsRequest { organization_ids: vec![id.to_string()] };
        let answer = self.client().batch_get_organizations(request).await?.into_inner();
        let told = answer.settings.into_iter().next();
        answer.organizations.into_iter().next().map(|found| settings::settings(found, told)).transpose()
    }

    /// Gives a service account its permissions; repeatable. Returns the organization that it acts in.
    pub(crate) async fn add_service_account(
        &self,
        id: ServiceAccountId,
        organization: &str,
        permissions: &[String],
        actor: SubjectId,
    ) -> Answer<Option<OrganizationId>> {
        let request = AddServiceAccountRequest {
            service_account_id: id.to_string(),
            organization_id: organization.to_owned(),
            permissions: permissions.to_vec(),
            actor_id: actor.to_string(),
            validate_only: false,
        };
        let answer = self.client().add_service_account(request).await?.into_inner();
        convert::organization_id(&answer.organization_id)
    }

    /// Checks that the actor may give a service account what it has.
    pub(crate) async fn check_service_account(&self, account: &ServiceAccount, actor: SubjectId) -> Answer<()> {
        let place = account.organization_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let request = AddServiceAccountRequest {
            service_account_id: account.service_account_id.to_string(),
            organization_id: place,
            permissions: account.permissions.clone(),
            actor_id: actor.to_string(),
            validate_only: true,
        };
        self.client().add_service_account(request).await?;
        Ok(())
    }

    /// Gives a service account other permissions; repeatable. Without an actor they are put back.
    pub(crate) async fn update_service_account(
        &self,
        id: ServiceAccountId,
        permissions: &[String],
        actor: Option<SubjectId>,
    ) -> Answer<()> {
        let request = UpdateServiceAccountRequest {
            service_account_id: id.to_string(),
            permissions: permissions.to_vec(),
            actor_id: actor.map(|actor| actor.to_string()).unwrap_or_default(),
        };
        self.client().update_service_account(request).await?;
        Ok(())
    }

    /// Takes a service account its permissions; repeatable.
    pub(crate) async fn remove_service_account(&self, id: ServiceAccountId) -> Answer<()> {
        let request = RemoveServiceAccountRequest { service_account_id: id.to_string() };
        self.client().remove_service_account(request).await?;
        Ok(())
    }

    /// Finds a subject and what it may do now.
    pub(crate) async fn find_subject(&self, subject: SubjectId) -> Answer<Option<Subject>> {
        let request = GetSubjectAccessRequest { subject_id: subject.to_string() };
        match self.client().get_subject_access(request).await {
            Ok(answer) => convert::subject(&answer.into_inner()).map(Some),
            Err(status) => match PeerError::from(status) {
                PeerError::Refused(Refusal::NotFound) => Ok(None),
                error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => Err(error),
            },
        }
    }

    /// Asks whether a subject may act now; one that organization does not know may not.
    pub(crate) async fn access(&self, subject: SubjectId) -> Answer<Access> {
        let request = GetSubjectAccessRequest { subject_id: subject.to_string() };
        match self.client().get_subject_access(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                Ok(Access { active: answer.active && !answer.blocked })
            }
            Err(status) => match PeerError::from(status) {
                PeerError::Refused(Refusal::NotFound) => Ok(Access { active: false }),
                error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => Err(error),
            },
        }
    }
}
