//! Requests of the other services of the suite.

use std::collections::BTreeSet;

use rolecall_api::organization::v1 as pb;
use rolecall_authz::{Caller, Scope};
use rolecall_kernel::id::{EventId, OrganizationId, ParseIdError, ServiceAccountId, SubjectId, UserId};
use rolecall_kernel::text::{EmailAddress, OrganizationName};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{Fields as _, OrganizationFields as _, parse_time};
use crate::app::add_service_account::Place;
use crate::app::change_member::Target;
use crate::app::{
    add_guest as guest, add_member as add, add_service_account as account, bootstrap_organization as bootstrap,
    register_member as register, update_member_roles as roles, update_service_account as update,
};
use crate::domain::audit::AuditEvent;
use crate::domain::event::Origin;
use crate::domain::permission::Permission;
use crate::events::consume::EventReader;
use crate::grpc::origin;
use crate::grpc::status::invalid;

/// The most ids that are read at once.
const MAX_IDS: usize = 1_000;
/// The longest name of a permission.
const MAX_NAME: usize = 100;
/// The most permissions that a service account is given.
const MAX_PERMISSIONS: usize = 50;

/// Reads the one id of a request.
pub(in crate::grpc) fn one_id<T>(
    field: &str,
    text: &str,
    parse: fn(&str) -> Result<T, ParseIdError>,
) -> Result<T, Status> {
    let mut violations = Violations::default();
    violations.id(field, text, parse).ok_or_else(|| invalid(violations))
}

/// Reads a list of ids.
pub(in crate::grpc) fn batch_ids<T>(
    field: &str,
    texts: &[String],
    parse: fn(&str) -> Result<T, ParseIdError>,
) -> Result<Vec<T>, Status> {
    let mut violations = Violations::default();
    if texts.len() > MAX_IDS {
        violations.push(field, "TOO_MANY", format!("must have at most {MAX_IDS} entries"));
        return Err(invalid(violations));
    }
    let ids: Vec<T> = texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| violations.id(&format!("{field}[{index}]"), text, parse))
        .collect();
    if violations.is_empty() { Ok(ids) } else { Err(invalid(violations)) }
}

pub(in crate::grpc) fn bootstrap_organization(
    caller: &Caller,
    request: &pb::BootstrapOrganizationRequest,
) -> Result<bootstrap::Command, Status> {
    let mut violations = Violations::default();
    let organization_id = violations.id("organization_id", &request.organization_id, OrganizationId::parse);
    let name = violations.text("name", &request.name, OrganizationName::parse);
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let mfa_policy = violations.mfa_policy("mfa_policy", request.mfa_policy);
    let (Some(organization_id), Some(name), Some(user_id), Some(mfa_policy)) =
        (organization_id, name, user_id, mfa_policy)
    else {
        return Err(invalid(violations));
    };
    Ok(bootstrap::Command { organization_id, name, mfa_policy, user_id, origin: origin(caller) })
}

/// Reads who registers where; no account with `validate_only`.
pub(in crate::grpc) fn register_member(
    request: &pb::RegisterMemberRequest,
) -> Result<(Option<UserId>, register::Command), Status> {
    let mut violations = Violations::default();
    let yielding = violations.optional_id("yielding_user_id", &request.yielding_user_id, UserId::parse);
    let user = if request.validate_only { None } else { violations.id("user_id", &request.user_id, UserId::parse) };
    let organization = violations.optional_id("organization_id", &request.organization_id, OrganizationId::parse);
    let email = violations.text("email", &request.email, EmailAddress::parse);
    let (Ok(yielding), Ok(organization), Some(email)) = (yielding, organization, email) else {
        return Err(invalid(violations));
    };
    if user.is_none() && !request.validate_only {
        return Err(invalid(violations));
    }
    Ok((user, register::Command { organization, email, yielding }))
}

pub(in crate::grpc) fn add_member(request: &pb::AddMemberRequest) -> Result<(UserId, add::Command), Status> {
    let mut violations = Violations::default();
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let command = adding(&mut violations, &request.organization_id, &request.roles, &request.actor_id);
    user_id.zip(command).ok_or_else(|| invalid(violations))
}

pub(in crate::grpc) fn check_add_member(request: &pb::CheckAddMemberRequest) -> Result<add::Command, Status> {
    let mut violations = Violations::default();
    let command = adding(&mut violations, &request.organization_id, &request.roles, &request.actor_id);
    command.ok_or_else(|| invalid(violations))
}

fn adding(violations: &mut Violations, organization: &str, roles: &[String], actor: &str) -> Option<add::Command> {
    let organization = violations.optional_id("organization_id", organization, OrganizationId::parse);
    let roles = violations.roles("roles", roles);
    let actor = violations.id("actor_id", actor, SubjectId::parse);
    Some(add::Command { actor: actor?, organization: organization.ok()?, roles: roles? })
}

pub(in crate::grpc) fn activate_member(request: &pb::ActivateMemberRequest) -> Result<(UserId, SubjectId), Status> {
    let mut violations = Violations::default();
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let inviter = violations.id("inviter_id", &request.inviter_id, SubjectId::parse);
    user_id.zip(inviter).ok_or_else(|| invalid(violations))
}

pub(in crate::grpc) fn end_member(request: &pb::EndMemberRequest) -> Result<(UserId, SubjectId), Status> {
    let mut violations = Violations::default();
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let actor = violations.id("actor_id", &request.actor_id, SubjectId::parse);
    user_id.zip(actor).ok_or_else(|| invalid(violations))
}

pub(in crate::grpc) fn change_member_roles(request: &pb::ChangeMemberRolesRequest) -> Result<roles::Command, Status> {
    let mut violations = Violations::default();
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let roles = violations.roles("roles", &request.roles);
    let actor = violations.id("actor_id", &request.actor_id, SubjectId::parse);
    let (Some(user_id), Some(roles), Some(actor)) = (user_id, roles, actor) else {
        return Err(invalid(violations));
    };
    // The service sees every row; what counts are the rights of the actor that it names.
    let origin = Origin { actor: Some(actor), request_id: rolecall_rpc::call::request_id() };
    Ok(roles::Command {
        target: Target { user_id, scope: Scope::All, origin },
        roles,
        etag: Some(request.etag.clone()).filter(|etag| !etag.is_empty()),
        repeat: None,
    })
}

pub(in crate::grpc) fn add_guest(request: &pb::AddGuestRequest) -> Result<guest::Command, Status> {
    let mut violations = Violations::default();
    let guest_id = violations.id("guest_id", &request.guest_id, SubjectId::parse);
    let organization = violations.optional_id("organization_id", &request.organization_id, OrganizationId::parse);
    let actor = violations.optional_id("actor_id", &request.actor_id, SubjectId::parse);
    let expires = request.expire_time.and_then(parse_time);
    if expires.is_none() {
        violations.push("expire_time", "REQUIRED", "must be a time");
    }
    let (Some(guest_id), Ok(organization), Ok(actor), Some(expires)) = (guest_id, organization, actor, expires) else {
        return Err(invalid(violations));
    };
    let origin = Origin { actor, request_id: rolecall_rpc::call::request_id() };
    Ok(guest::Command { guest_id, organization, expires, origin })
}

pub(in crate::grpc) fn add_service_account(
    caller: &Caller,
    request: &pb::AddServiceAccountRequest,
) -> Result<account::Command, Status> {
    let mut violations = Violations::default();
    let id = violations.id("service_account_id", &request.service_account_id, ServiceAccountId::parse);
    let actor = violations.id("actor_id", &request.actor_id, SubjectId::parse);
    let place = match request.organization_id.as_str() {
        "" => Some(Place::Own),
        "-" => Some(Place::Instance),
        text => violations.id("organization_id", text, OrganizationId::parse).map(Place::Organization),
    };
    let permissions = permissions(&mut violations, &request.permissions);
    match (id, actor, place, violations.is_empty()) {
        (Some(service_account_id), Some(actor), Some(place), true) => {
            Ok(account::Command { service_account_id, place, permissions, actor, request: origin(caller) })
        }
        _ => Err(invalid(violations)),
    }
}

/// Reads the change of a service account. What is put back may name permissions that are gone, which are left out.
pub(in crate::grpc) fn update_service_account(
    caller: &Caller,
    request: &pb::UpdateServiceAccountRequest,
) -> Result<update::Command, Status> {
    let mut violations = Violations::default();
    let id = violations.id("service_account_id", &request.service_account_id, ServiceAccountId::parse);
    let actor = violations.optional_id("actor_id", &request.actor_id, SubjectId::parse);
    let permissions = if request.actor_id.is_empty() {
        request.permissions.iter().filter(|name| Permission::named(name).is_some()).cloned().collect()
    } else {
        permissions(&mut violations, &request.permissions)
    };
    match (id, actor, violations.is_empty()) {
        (Some(service_account_id), Ok(actor), true) => {
            Ok(update::Command { service_account_id, permissions, actor, request: origin(caller) })
        }
        _ => Err(invalid(violations)),
    }
}

/// Reads names of permissions: one at least. Which of other backends there are, the tables know.
fn permissions(violations: &mut Violations, names: &[String]) -> BTreeSet<String> {
    if !(1..=MAX_PERMISSIONS).contains(&names.len()) {
        violations.push("permissions", "COUNT", format!("must have 1 to {MAX_PERMISSIONS} entries"));
    }
    let mut permissions = BTreeSet::new();
    for (index, name) in names.iter().enumerate().take(MAX_PERMISSIONS) {
        match Permission::named(name).filter(|_| name.len() <= MAX_NAME) {
            Some(_) => drop(permissions.insert(name.clone())),
            None => violations.push(format!("permissions[{index}]"), "PERMISSION_UNKNOWN", "must be a permission"),
        }
    }
    permissions
}

/// Reads an event, or says why it can never be read; a service tells only of itself.
pub(in crate::grpc) fn ingested(
    reader: &EventReader,
    service: Option<&str>,
    event: &pb::IngestedEvent,
) -> Result<AuditEvent, String> {
    if service.is_none() || event.topic.split_once('.').map(|(context, _)| context) != service {
        return Err(format!("the topic is not one of {}", service.unwrap_or("a service")));
    }
    let event_id = EventId::parse(&event.event_id).map_err(|error| format!("event_id {error}"))?;
    let occurred = event.occurred_time.and_then(parse_time).ok_or("occurred_time is required")?;
    let number = Some(event.source_number.as_str()).filter(|number| !number.is_empty()).map(str::parse::<i64>);
    let number = number.transpose().map_err(|error| format!("source_number {error}"))?.unwrap_or_default();
    reader.read(event_id, &event.topic, &event.payload, occurred, number).map_err(|error| error.to_string())
}
