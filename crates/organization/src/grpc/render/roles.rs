//! Roles and permissions as messages.

use rolecall_api::organization::v1 as pb;

use crate::app::change_role::Changed;
use crate::app::delete_role::Deleted;
use crate::app::register_permissions::Registered as Registration;
use crate::domain::custom_role::ComposedRole;
use crate::domain::permission::{CATALOGUE, Holding, Permission, RegisteredPermission, namespace};
use crate::domain::role::Role;
use crate::events::publish::timestamp;

/// A built-in role; owners hold what other backends registered.
pub(in crate::grpc) fn built_in(role: Role, registered: &[RegisteredPermission]) -> pb::Role {
    let mut permissions: Vec<String> = CATALOGUE
        .iter()
        .filter(|permission| permission.held_by(role).is_some())
        .map(|permission| permission.name.to_owned())
        .collect();
    if role == Role::Owner {
        permissions.extend(registered.iter().map(|registered| registered.name.clone()));
        permissions.sort_unstable();
    }
    let description = role.description().to_owned();
    pb::Role { name: role.name().to_owned(), description, built_in: true, permissions, ..pb::Role::default() }
}

pub(in crate::grpc) fn composed(composed: &ComposedRole) -> pb::Role {
    pb::Role {
        organization_id: composed.organization_id.to_string(),
        name: composed.role.name.to_string(),
        description: composed.description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default(),
        built_in: false,
        permissions: composed.role.permissions.iter().cloned().collect(),
        etag: composed.etag(),
        create_time: Some(timestamp(composed.created)),
        update_time: Some(timestamp(composed.updated)),
    }
}

pub(in crate::grpc) fn role_created(changed: &Changed) -> pb::CreateRoleResponse {
    pb::CreateRoleResponse { role: Some(composed(&changed.composed)), revision: changed.revision.to_string() }
}

pub(in crate::grpc) fn role_updated(changed: &Changed) -> pb::UpdateRoleResponse {
    pb::UpdateRoleResponse { role: Some(composed(&changed.composed)), revision: changed.revision.to_string() }
}

pub(in crate::grpc) fn deleted(deleted: &Deleted) -> pb::DeleteRoleResponse {
    pb::DeleteRoleResponse { holder_count: count(deleted.holders), revision: deleted.revision.to_string() }
}

pub(in crate::grpc) fn registered(registered: &Registration) -> pb::RegisterPermissionsResponse {
    pb::RegisterPermissionsResponse {
        added_permissions: registered.added.clone(),
        removed_permissions: registered.removed.clone(),
        changed_role_count: count(registered.roles),
        changed_service_account_count: count(registered.service_accounts),
        revision: registered.revision.to_string(),
    }
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(in crate::grpc) fn permission(permission: &Permission<'_>, description: &str) -> pb::Permission {
    pb::Permission {
        name: permission.name.to_owned(),
        namespace: namespace(permission.name).to_owned(),
        description: description.to_owned(),
        composable: permission.composed().is_some(),
    }
}

/// One row of the table: who holds the permission, and where.
pub(in crate::grpc) fn permission_table(
    of: &Permission<'_>,
    description: &str,
    composed: &[ComposedRole],
) -> pb::PermissionRow {
    let built_in = Role::ALL.into_iter().filter_map(|role| Some((role.name().to_owned(), of.held_by(role)?)));
    let composed =
        composed.iter().filter_map(|found| Some((found.role.name.to_string(), of.held_by_custom(&found.role)?)));
    let mut holders: Vec<_> = built_in.chain(composed).map(|(role, held)| holding(role, held)).collect();
    holders.sort_by(|one, other| one.role.cmp(&other.role));
    pb::PermissionRow { permission: Some(permission(of, description)), holders }
}

fn holding(role: String, holding: Holding) -> pb::RoleHolding {
    let (place, condition) = match holding {
        Holding::Any => (pb::PermissionPlace::Any, ""),
        Holding::Own => (pb::PermissionPlace::Own, ""),
        Holding::OnSelf => (pb::PermissionPlace::Self_, ""),
        Holding::If(condition) => (pb::PermissionPlace::Condition, condition.name()),
    };
    pb::RoleHolding { role, place: place.into(), condition: condition.to_owned() }
}
