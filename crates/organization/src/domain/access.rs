//! Access decisions: one evaluator, which says why.

use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::actor::{Subject, Who};
use super::custom_role::Roles;
use super::permission::{Holding, Permission};

/// Why a decision came out as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum AccessReason {
    /// A role of the subject holds the permission there.
    RoleHoldsPermission,
    /// The service account was given the permission there.
    PermissionGiven,
    /// The resource is the subject's own record.
    OwnRecord,
    /// No such subject within what the asker may see.
    SubjectUnknown,
    /// No such resource within what the asker may see.
    ResourceUnknown,
    /// No such permission.
    PermissionUnknown,
    /// The subject has not accepted its invitation.
    SubjectInactive,
    /// The subject is blocked.
    Blocked,
    /// The subject is not a member of the resource's organization.
    NotAMember,
    /// Nothing that the subject has holds the permission.
    PermissionMissing,
    /// The subject holds the permission on its own record only.
    NotOwnRecord,
    /// The permission is held on a condition about the resource that is not met or not known.
    ConditionNotMet,
    /// The organization of the subject is suspended.
    OrganizationSuspended,
}

impl AccessReason {
    /// Tells whether this reason allows.
    pub(crate) const fn allows(self) -> bool {
        matches!(self, Self::RoleHoldsPermission | Self::PermissionGiven | Self::OwnRecord)
    }
}

/// What somebody wants to act on, as the tables know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where it belongs.
    pub(crate) organization_id: OrganizationId,
    /// Whose record it is, when it is one.
    pub(crate) record_of: Option<SubjectId>,
}

/// A decision and what it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) reason: AccessReason,
    /// The roles that allow it; empty when it is refused, or allowed to a service account.
    pub(crate) roles: Roles,
}

impl Decision {
    /// Refuses for this reason.
    pub(crate) fn refused(reason: AccessReason) -> Self {
        Self { reason, roles: Roles::default() }
    }
}

/// What is known of a question; what is unknown, or hidden from the asker, is `None`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) subject: Option<&'a Subject>,
    pub(crate) permission: Option<&'a Permission<'a>>,
    pub(crate) target: Option<Target>,
}

/// Decides a question as of now.
///
/// The first thing that is wrong is the reason, from the question itself over the subject to the
/// permission; a permission that is held, but not there, tells the widest place where it is held.
pub(crate) fn decide(question: &Question<'_>, now: Timestamp) -> Decision {
    let Some(permission) = question.permission else { return Decision::refused(AccessReason::PermissionUnknown) };
    let Some(subject) = question.subject else { return Decision::refused(AccessReason::SubjectUnknown) };
    let Some(target) = question.target else { return Decision::refused(AccessReason::ResourceUnknown) };
    if subject.organization_suspended {
        return Decision::refused(AccessReason::OrganizationSuspended);
    }
    if !subject.is_active() {
        return Decision::refused(AccessReason::SubjectInactive);
    }
    if subject.block_in_force(now).is_some() {
        return Decision::refused(AccessReason::Blocked);
    }
    match &subject.who {
        Who::Member(_) => decide_by_roles(subject, permission, target),
        Who::Guest(guest) if !guest.can_act(now) => Decision::refused(AccessReason::SubjectInactive),
        Who::Guest(_) => decide_as_guest(subject, permission, target),
        Who::ServiceAccount(_) => decide_by_permissions(subject, permission, target),
    }
}

fn decide_by_roles(subject: &Subject, permission: &Permission<'_>, target: Target) -> Decision {
    let is_own_organization = subject.organization_id() == Some(target.organization_id);
    let is_own_record = target.record_of == Some(subject.subject_id());
    let allowing = |allows: fn(Holding, bool) -> bool, here: bool| -> Roles {
        let allowed = |held: Option<Holding>| held.is_some_and(|holding| allows(holding, here));
        let held = subject.all_roles();
        Roles {
            built_in: held.built_in.iter().filter(|role| allowed(permission.held_by(*role))).collect(),
            custom: held.custom.iter().filter(|role| allowed(permission.held_by_custom(role))).cloned().collect(),
        }
    };
    let there = allowing(|held, own| held == Holding::Any || (held == Holding::Own && own), is_own_organization);
    if !there.is_empty() {
        return Decision { reason: AccessReason::RoleHoldsPermission, roles: there };
    }
    let on_self = allowing(|held, own| held == Holding::OnSelf && own, is_own_record);
    if !on_self.is_empty() {
        return Decision { reason: AccessReason::OwnRecord, roles: on_self };
    }
    Decision::refused(match subject.holding(permission) {
        None => AccessReason::PermissionMissing,
        Some(Holding::Any | Holding::Own) => AccessReason::NotAMember,
        Some(Holding::OnSelf) => AccessReason::NotOwnRecord,
        Some(Holding::If(_)) => AccessReason::ConditionNotMet,
    })
}

/// A guest holds what the role holds in its organization, and nothing on conditions about who it is.
fn decide_as_guest(subject: &Subject, permission: &Permission<'_>, target: Target) -> Decision {
    let is_own_organization = subject.organization_id() == Some(target.organization_id);
    match (subject.holding(permission), is_own_organization) {
        (Some(_), true) => Decision { reason: AccessReason::RoleHoldsPermission, roles: subject.all_roles() },
        (Some(_), false) => Decision::refused(AccessReason::NotAMember),
        (None, _) => Decision::refused(AccessReason::PermissionMissing),
    }
}

fn decide_by_permissions(subject: &Subject, permission: &Permission<'_>, target: Target) -> Decision {
    let reaches = subject.organization_id().is_none_or(|own| own == target.organization_id);
    Decision::refused(match (subject.holding(permission), reaches) {
        (None, _) => AccessReason::PermissionMissing,
        (Some(_), true) => AccessReason::PermissionGiven,
        (Some(_), false) => AccessReason::NotAMember,
    })
}

#[cfg(test)]
mod tests;
