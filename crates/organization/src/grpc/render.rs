//! Domain types as messages.

mod roles;
mod settings;

pub(super) use roles::{
    built_in, composed, deleted, permission, permission_table, registered, role_created, role_updated,
};
pub(super) use settings::{discoverable, settings, settings_updated};

use prost::Message as _;
use rolecall_api::organization::v1 as pb;

use crate::app::change_member::Changed;
use crate::app::change_organization::Changed as ChangedOrganization;
use crate::app::create_organization::Created;
use crate::app::subject_access::Snapshot;
use crate::domain::actor::{Grant, Who};
use crate::domain::member::{Block, Member, MemberState};
use crate::domain::organization::{MfaPolicy, Organization};
use crate::domain::permission::{Condition, Holding};
use crate::events::publish::timestamp;
use rolecall_kernel::time::Timestamp;

pub(super) fn organization(organization: &Organization) -> pb::Organization {
    let suspension = organization.suspension();
    let state = match suspension {
        Some(_) => pb::OrganizationState::Suspended,
        None => pb::OrganizationState::Active,
    };
    pb::Organization {
        organization_id: organization.organization_id.to_string(),
        name: organization.name.as_str().to_owned(),
        state: state.into(),
        home: organization.home,
        etag: organization.etag(),
        create_time: Some(timestamp(organization.created)),
        mfa_policy: mfa_policy(organization.mfa_policy).into(),
        suspension: suspension.map(|suspension| pb::Suspension {
            reason: suspension.reason.as_str().to_owned(),
            create_time: Some(timestamp(suspension.since)),
            actor_id: suspension.actor.to_string(),
        }),
    }
}

pub(super) fn suspended(changed: &ChangedOrganization) -> pb::SuspendOrganizationResponse {
    let organization = Some(organization(&changed.organization));
    pb::SuspendOrganizationResponse { organization, revision: changed.revision.to_string() }
}

pub(super) fn resumed(changed: &ChangedOrganization) -> pb::ResumeOrganizationResponse {
    let organization = Some(organization(&changed.organization));
    pb::ResumeOrganizationResponse { organization, revision: changed.revision.to_string() }
}

pub(super) fn organization_updated(changed: &ChangedOrganization) -> pb::UpdateOrganizationResponse {
    pb::UpdateOrganizationResponse { organization: Some(organization(&changed.organization)) }
}

pub(super) const fn mfa_policy(policy: MfaPolicy) -> pb::MfaPolicy {
    match policy {
        MfaPolicy::Required => pb::MfaPolicy::Required,
        MfaPolicy::Optional => pb::MfaPolicy::Optional,
    }
}

/// A block that has ended is not shown, whether or not that is written down yet.
pub(super) fn member(member: &Member, now: Timestamp) -> pb::Member {
    let state = match member.state {
        MemberState::Active => pb::MemberState::Active,
        MemberState::Pending | MemberState::Hidden => pb::MemberState::Pending,
    };
    pb::Member {
        user_id: member.user_id.to_string(),
        organization_id: member.organization_id.to_string(),
        roles: member.all_roles().names(),
        state: state.into(),
        block: member.block_in_force(now).map(block),
        etag: member.etag(),
        create_time: Some(timestamp(member.created)),
        update_time: Some(timestamp(member.updated)),
    }
}

fn block(block: &Block) -> pb::Block {
    pb::Block {
        reason: block.reason.as_str().to_owned(),
        until_time: block.until.map(timestamp),
        create_time: Some(timestamp(block.since)),
        actor_id: block.actor.to_string(),
    }
}

pub(super) fn created(created: &Created) -> pb::CreateOrganizationResponse {
    pb::CreateOrganizationResponse {
        organization: Some(organization(&created.organization)),
        first_owner_id: created.first_owner.to_string(),
    }
}

/// Encodes what a repeat of `CreateOrganization` is answered.
pub(crate) fn encode_created(outcome: &Created) -> Vec<u8> {
    created(outcome).encode_to_vec()
}

/// The answers to changes of members are the same but for their names.
macro_rules! changed {
    ($($function:ident, $message:ident;)*) => {$(
        pub(super) fn $function(changed: &Changed) -> pb::$message {
            // As of the change itself: a repeat is answered the same, whenever it comes.
            let member = member(&changed.member, changed.member.updated);
            pb::$message { member: Some(member), revision: changed.revision.to_string() }
        }
    )*};
}

changed! {
    roles_updated, UpdateMemberRolesResponse;
    blocked, BlockMemberResponse;
    unblocked, UnblockMemberResponse;
    admin_granted, GrantAdminResponse;
    admin_revoked, RevokeAdminResponse;
}

fn grant(grant: &Grant) -> Option<pb::PermissionGrant> {
    let scope = match grant.holding {
        Holding::Any => pb::PermissionScope::All,
        Holding::Own => pb::PermissionScope::OwnOrganization,
        Holding::OnSelf => pb::PermissionScope::Self_,
        Holding::If(Condition::ImpersonationAllowed) => return None,
        Holding::If(_) => pb::PermissionScope::Related,
    };
    Some(pb::PermissionGrant { permission: grant.permission.clone().into_owned(), scope: scope.into() })
}

pub(super) fn subject_access(snapshot: &Snapshot) -> pb::GetSubjectAccessResponse {
    let Snapshot { subject, revision, now, session, .. } = snapshot;
    let is_person = matches!(subject.who, Who::Member(_));
    let kind = match &subject.who {
        Who::Member(_) => pb::SubjectKind::User,
        Who::ServiceAccount(_) => pb::SubjectKind::ServiceAccount,
        Who::Guest(_) => pb::SubjectKind::Guest,
    };
    let block = subject.block_in_force(*now);
    pb::GetSubjectAccessResponse {
        subject_id: subject.subject_id().to_string(),
        kind: kind.into(),
        organization_id: subject.organization_id().map(|id| id.to_string()).unwrap_or_default(),
        // A guest is there until its time; members and programs until somebody ends them.
        active: subject.is_active() && !subject.organization_suspended && !subject.has_ended(*now),
        blocked: block.is_some(),
        blocked_until_time: block.and_then(|block| block.until).map(timestamp),
        roles: subject.all_roles().names(),
        grants: snapshot.grants().iter().filter_map(grant).collect(),
        revision: *revision,
        session_limits: is_person.then(|| settings::session_limits(*session)),
    }
}

pub(crate) fn my_access(snapshot: &Snapshot) -> pb::GetMyAccessResponse {
    let access = subject_access(snapshot);
    pb::GetMyAccessResponse {
        subject_id: access.subject_id,
        organization_id: access.organization_id,
        roles: access.roles,
        grants: access.grants,
        revision: access.revision.to_string(),
        kind: access.kind,
        impersonator_id: String::new(),
        read_only: false,
    }
}
