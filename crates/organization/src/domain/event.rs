//! What happened to organizations and memberships.

use std::sync::Arc;

use rolecall_kernel::id::{EventId, OrganizationId, ServiceAccountId, SubjectId, UserId};
use rolecall_kernel::text::{OrganizationName, Reason};
use rolecall_kernel::time::Timestamp;

/// Who caused a change, and by which call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The subject; none when the installation acts by itself.
    pub actor: Option<SubjectId>,
    /// The request id of the call.
    pub request_id: Option<Arc<str>>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct Event {
    pub(crate) event_id: EventId,
    pub(crate) origin: Origin,
    /// The organization that it concerns; none for the whole instance.
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) occurred: Timestamp,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    OrganizationCreated {
        organization_id: OrganizationId,
        name: OrganizationName,
    },
    OrganizationSuspended {
        reason: Reason,
        owners: Vec<UserId>,
    },
    OrganizationResumed {
        owners: Vec<UserId>,
    },
    OrganizationRenamed {
        old: OrganizationName,
        new: OrganizationName,
    },
    OrganizationDeleted {
        name: OrganizationName,
    },
    MemberAdded {
        user_id: UserId,
        roles: Vec<String>,
    },
    MemberActivated {
        user_id: UserId,
        roles: Vec<String>,
    },
    MemberRemoved {
        user_id: UserId,
    },
    MemberRolesChanged {
        user_id: UserId,
        old: Vec<String>,
        new: Vec<String>,
    },
    MemberBlocked {
        user_id: UserId,
        reason: Reason,
        until: Option<Timestamp>,
    },
    MemberUnblocked {
        user_id: UserId,
    },
    ServiceAccountAdded {
        service_account_id: ServiceAccountId,
        permissions: Vec<String>,
    },
    ServiceAccountRemoved {
        service_account_id: ServiceAccountId,
    },
    ServiceAccountUpdated {
        service_account_id: ServiceAccountId,
        permissions: Vec<String>,
    },
    OwnerAdded {
        user_id: UserId,
        others: Vec<UserId>,
    },
    /// To a role, or to a person by it.
    PowersGiven {
        user_id: Option<UserId>,
        role: String,
        permissions: Vec<String>,
        owners: Vec<UserId>,
    },
    AdminGranted {
        user_id: UserId,
        others: Vec<UserId>,
    },
    AdminRevoked {
        user_id: UserId,
        others: Vec<UserId>,
    },
    OwnerCredentialsChanged {
        user_id: UserId,
        change: &'static str,
        others: Vec<UserId>,
    },
    /// What changed, each as `name=value`.
    OrganizationSettingsChanged {
        old_settings: Vec<String>,
        new_settings: Vec<String>,
    },
    /// Nobody but one owner has a password from now on.
    SingleSignOnRequired {
        break_glass: UserId,
        /// Who was that owner until now; none where everybody had a password.
        previous: Option<UserId>,
    },
    GuestAdded {
        guest_id: SubjectId,
        expires: Timestamp,
    },
    GuestRemoved {
        guest_id: SubjectId,
    },
    RoleCreated {
        name: String,
        permissions: Vec<String>,
    },
    RoleUpdated {
        name: String,
        /// What it holds now that it did not.
        added: Vec<String>,
        /// What it held and does not any more.
        removed: Vec<String>,
    },
    RoleDeleted {
        name: String,
        /// How many held it.
        holders: usize,
    },
    PermissionsRegistered {
        namespace: String,
        added: Vec<String>,
        removed: Vec<String>,
        owner: Option<ServiceAccountId>,
    },
    /// Calls of the actor were refused.
    CallsRefused {
        method: String,
        count: u32,
        reasons: Vec<String>,
    },
}

impl What {
    /// Returns the topic.
    pub(crate) const fn topic(&self) -> &'static str {
        match self {
            Self::OrganizationCreated { .. } => "organization.organization_created",
            Self::OrganizationSuspended { .. } => "organization.organization_suspended",
            Self::OrganizationResumed { .. } => "organization.organization_resumed",
            Self::OrganizationRenamed { .. } => "organization.organization_renamed",
            Self::OrganizationDeleted { .. } => "organization.organization_deleted",
            Self::MemberAdded { .. } => "organization.member_added",
            Self::MemberActivated { .. } => "organization.member_activated",
            Self::MemberRemoved { .. } => "organization.member_removed",
            Self::MemberRolesChanged { .. } => "organization.member_roles_changed",
            Self::MemberBlocked { .. } => "organization.member_blocked",
            Self::MemberUnblocked { .. } => "organization.member_unblocked",
            Self::ServiceAccountAdded { .. } => "organization.service_account_added",
            Self::ServiceAccountRemoved { .. } => "organization.service_account_removed",
            Self::ServiceAccountUpdated { .. } => "organization.service_account_updated",
            Self::OwnerAdded { .. } => "organization.owner_added",
            Self::PowersGiven { .. } => "organization.powers_given",
            Self::AdminGranted { .. } => "organization.admin_granted",
            Self::AdminRevoked { .. } => "organization.admin_revoked",
            Self::OwnerCredentialsChanged { .. } => "organization.owner_credentials_changed",
            Self::OrganizationSettingsChanged { .. } => "organization.organization_settings_changed",
            Self::SingleSignOnRequired { .. } => "organization.single_sign_on_required",
            Self::GuestAdded { .. } => "organization.guest_added",
            Self::GuestRemoved { .. } => "organization.guest_removed",
            Self::RoleCreated { .. } => "organization.role_created",
            Self::RoleUpdated { .. } => "organization.role_updated",
            Self::RoleDeleted { .. } => "organization.role_deleted",
            Self::PermissionsRegistered { .. } => "organization.permissions_registered",
            Self::CallsRefused { .. } => "organization.calls_refused",
        }
    }

    /// Returns the member, service account or guest that it happened to.
    pub(crate) fn target(&self) -> Option<SubjectId> {
        match self {
            Self::OrganizationCreated { .. }
            | Self::OrganizationSuspended { .. }
            | Self::OrganizationResumed { .. }
            | Self::OrganizationRenamed { .. }
            | Self::OrganizationDeleted { .. }
            | Self::OrganizationSettingsChanged { .. }
            | Self::SingleSignOnRequired { .. }
            | Self::RoleCreated { .. }
            | Self::RoleUpdated { .. }
            | Self::RoleDeleted { .. }
            | Self::PermissionsRegistered { .. }
            | Self::CallsRefused { .. } => None,
            Self::MemberAdded { user_id, .. }
            | Self::MemberActivated { user_id, .. }
            | Self::MemberRemoved { user_id }
            | Self::MemberRolesChanged { user_id, .. }
            | Self::MemberBlocked { user_id, .. }
            | Self::MemberUnblocked { user_id }
            | Self::OwnerAdded { user_id, .. }
            | Self::AdminGranted { user_id, .. }
            | Self::AdminRevoked { user_id, .. }
            | Self::OwnerCredentialsChanged { user_id, .. } => Some((*user_id).into()),
            Self::PowersGiven { user_id, .. } => user_id.map(SubjectId::from),
            Self::ServiceAccountAdded { service_account_id, .. }
            | Self::ServiceAccountUpdated { service_account_id, .. }
            | Self::ServiceAccountRemoved { service_account_id } => Some((*service_account_id).into()),
            Self::GuestAdded { guest_id, .. } | Self::GuestRemoved { guest_id } => Some(*guest_id),
        }
    }
}
