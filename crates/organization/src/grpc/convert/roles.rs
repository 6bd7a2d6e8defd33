//! Requests about roles and permissions.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::Caller;
use rolecall_db::once::Repeat;
use rolecall_kernel::id::{OrganizationId, RequestId, ServiceAccountId};
use rolecall_kernel::page::PageSize;
use rolecall_kernel::text::Description;
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::settings::place;
use super::{Fields as _, Noted, size};
use crate::app::change_role::{Changed, Target};
use crate::app::register_permissions::{self as register, Registered};
use crate::app::{create_role as create, delete_role as delete, update_role as update};
use crate::domain::custom_role::{MAX_PERMISSIONS, ParseRoleNameError, RoleName};
use crate::domain::permission::{Permission, RESERVED};
use crate::domain::settings::Change;
use crate::grpc::status::invalid;
use crate::grpc::{Api, origin, render};

/// The most permissions of one namespace.
const MAX_REGISTERED: usize = 1_000;
/// The longest name of a permission.
const MAX_NAME: usize = 100;

/// Reads which page of a list in the order of names is asked for: the name that it begins after.
pub(in crate::grpc) fn named_page(
    api: &Api,
    binding: &[&str],
    page_size: i32,
    page_token: &str,
) -> Result<(Option<String>, PageSize), Status> {
    let mut violations = Violations::default();
    let size = size(&mut violations, page_size);
    let opened = violations.check("page_token", "FOREIGN", api.pages.open(binding, page_token));
    let (Some(size), Some(opened)) = (size, opened) else { return Err(invalid(violations)) };
    // What is sealed was made here, so it is a name.
    Ok((opened.and_then(|bytes| String::from_utf8(bytes).ok()), size))
}

/// Reads the name of a composed role.
pub(in crate::grpc) fn role_name(violations: &mut Violations, field: &str, text: &str) -> Option<RoleName> {
    if text.is_empty() {
        violations.push(field, "REQUIRED", "is required");
        return None;
    }
    let parsed = RoleName::parse(text);
    let reason = match parsed {
        Err(ParseRoleNameError::BuiltIn) => "BUILT_IN",
        Ok(_) | Err(ParseRoleNameError::Malformed) => "NAME_MALFORMED",
    };
    violations.check(field, reason, parsed)
}

/// Reads permissions that a role can be composed of; which of other backends there are, the tables know.
fn permissions(violations: &mut Violations, names: &[String], least: usize) -> Vec<String> {
    let field = "role.permissions";
    if !(least..=MAX_PERMISSIONS).contains(&names.len()) {
        violations.push(field, "COUNT", format!("must have {least} to {MAX_PERMISSIONS} entries"));
    }
    let mut seen = BTreeSet::new();
    for (index, name) in names.iter().enumerate().take(MAX_PERMISSIONS) {
        let place = format!("{field}[{index}]");
        match Permission::named(name).filter(|_| name.len() <= MAX_NAME) {
            None => violations.push(place, "PERMISSION_UNKNOWN", "must be a permission"),
            Some(permission) if permission.composed().is_none() => {
                violations.push(
                    place,
                    "NOT_COMPOSABLE",
                    "must be a permission that owners of organizations hold and give",
                );
            }
            Some(_) if !seen.insert(name) => violations.push(place, "DUPLICATE", "must not be named twice"),
            Some(_) => {}
        }
    }
    names.to_vec()
}

/// Reads a description, which may be absent.
fn description(violations: &mut Violations, text: &str) -> Result<Option<Description>, Noted> {
    match text {
        "" => Ok(None),
        text => violations.text("role.description", text, Description::parse).map(Some).ok_or(Noted),
    }
}

fn target(caller: &Caller, organization_id: OrganizationId, permission: &str) -> Target {
    Target { organization_id, scope: caller.scope(permission), origin: origin(caller) }
}

pub(in crate::grpc) fn create_role(
    api: &Api,
    caller: &Caller,
    request: &pb::CreateRoleRequest,
) -> Result<create::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let role = request.role.clone().unwrap_or_default();
    let id = place(&mut violations, caller, "role.organization_id", &role.organization_id);
    let name = role_name(&mut violations, "role.name", &role.name);
    let description = description(&mut violations, &role.description);
    let permissions = permissions(&mut violations, &role.permissions, 1);
    let (Ok(request_id), Some(id), Some(name), Ok(description), true) =
        (request_id, id, name, description, violations.is_empty())
    else {
        return Err(invalid(violations));
    };
    let method = "/rolecall.organization.v1.RoleService/CreateRole";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::role_created(changed).encode_to_vec();
    let (target, repeat) = (target(caller, id, "organization.roles.create"), key.map(|key| Repeat { key, encode }));
    Ok(create::Command { target, name, description, permissions, repeat })
}

pub(in crate::grpc) fn update_role(
    api: &Api,
    caller: &Caller,
    request: &pb::UpdateRoleRequest,
) -> Result<update::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let role = request.role.clone().unwrap_or_default();
    let id = place(&mut violations, caller, "role.organization_id", &role.organization_id);
    let name = role_name(&mut violations, "role.name", &role.name);
    let changeable = |populated| Field::Changeable { populated };
    let output_only = ["organization_id", "name", "built_in", "etag", "create_time", "update_time"];
    let mut fields = vec![
        ("description", changeable(!role.description.is_empty())),
        ("permissions", changeable(!role.permissions.is_empty())),
    ];
    fields.extend(output_only.map(|path| (path, Field::OutputOnly)));
    let mask = Mask::read(&mut violations, request.update_mask.as_ref(), &fields);
    let description = match mask.contains("description").then(|| description(&mut violations, &role.description)) {
        Some(Ok(description)) => Change::To(description),
        Some(Err(Noted)) | None => Change::Kept,
    };
    let permissions = mask.contains("permissions").then(|| permissions(&mut violations, &role.permissions, 1));
    let (Ok(request_id), Some(id), Some(name), true) = (request_id, id, name, violations.is_empty()) else {
        return Err(invalid(violations));
    };
    let method = "/rolecall.organization.v1.RoleService/UpdateRole";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::role_updated(changed).encode_to_vec();
    Ok(update::Command {
        target: target(caller, id, "organization.roles.update"),
        name,
        description,
        permissions,
        etag: Some(role.etag).filter(|etag| !etag.is_empty()),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

pub(in crate::grpc) fn delete_role(
    api: &Api,
    caller: &Caller,
    request: &pb::DeleteRoleRequest,
) -> Result<delete::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = place(&mut violations, caller, "organization_id", &request.organization_id);
    let name = role_name(&mut violations, "name", &request.name);
    let (Ok(request_id), Some(id), Some(name)) = (request_id, id, name) else { return Err(invalid(violations)) };
    let method = "/rolecall.organization.v1.RoleService/DeleteRole";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&delete::Deleted) -> Vec<u8> = |deleted| render::deleted(deleted).encode_to_vec();
    Ok(delete::Command {
        target: target(caller, id, "organization.roles.delete"),
        name,
        take_from_holders: request.take_from_holders,
        etag: Some(request.etag.clone()).filter(|etag| !etag.is_empty()),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

pub(in crate::grpc) fn register_permissions(
    api: &Api,
    caller: &Caller,
    request: &pb::RegisterPermissionsRequest,
) -> Result<register::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let owner = violations.optional_id("service_account_id", &request.service_account_id, ServiceAccountId::parse);
    let namespace = request.namespace.clone();
    if !is_word(&namespace) || !(3..=30).contains(&namespace.len()) {
        let what = "must be 3 to 30 lower-case letters, digits and underscores, a letter first";
        violations.push("namespace", "NAME_MALFORMED", what);
    } else if RESERVED.contains(&namespace.as_str()) {
        violations.push("namespace", "RESERVED", "must not be one of Rolecall");
    }
    let permissions = definitions(&mut violations, &namespace, &request.permissions);
    let (Ok(request_id), Ok(owner), true) = (request_id, owner, violations.is_empty()) else {
        return Err(invalid(violations));
    };
    let method = "/rolecall.organization.v1.RoleService/RegisterPermissions";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Registered) -> Vec<u8> = |registered| render::registered(registered).encode_to_vec();
    let (origin, repeat) = (origin(caller), key.map(|key| Repeat { key, encode }));
    Ok(register::Command { namespace, permissions, owner, origin, repeat })
}

fn definitions(
    violations: &mut Violations,
    namespace: &str,
    given: &[pb::PermissionDefinition],
) -> BTreeMap<String, Description> {
    if given.len() > MAX_REGISTERED {
        violations.push("permissions", "TOO_MANY", format!("must have at most {MAX_REGISTERED} entries"));
    }
    let mut permissions = BTreeMap::new();
    for (index, definition) in given.iter().enumerate().take(MAX_REGISTERED) {
        let place = |field: &str| format!("permissions[{index}].{field}");
        let parts: Vec<&str> = definition.name.split('.').collect();
        let is_named = parts.len() == 3 && parts[0] == namespace && parts.iter().all(|part| is_word(part));
        if !is_named || definition.name.len() > MAX_NAME {
            let what = "must be <namespace>.<collection>.<verb> in lower case, 100 characters at most";
            violations.push(place("name"), "NAME_MALFORMED", what);
        }
        let text = violations.text(&place("description"), &definition.description, Description::parse);
        if let Some(text) = text
            && permissions.insert(definition.name.clone(), text).is_some()
        {
            violations.push(place("name"), "DUPLICATE", "must not be named twice");
        }
    }
    permissions
}

/// Whether it is made of lower-case letters, digits and underscores, a letter first.
fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && text.bytes().all(is_plain)
}
