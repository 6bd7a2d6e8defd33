//! Requests about organizations as a whole.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::Caller;
use rolecall_kernel::id::{OrganizationId, RequestId};
use rolecall_kernel::text::{OrganizationName, Reason};
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::Fields as _;
use super::settings::place;
use crate::app::change_organization::{Changed, Target};
use crate::app::{
    delete_organization as delete, resume_organization as resume, suspend_organization as suspend,
    update_organization as update,
};
use crate::grpc::status::invalid;
use crate::grpc::{Api, origin, render};
use rolecall_db::once::Repeat;

fn target(caller: &Caller, organization_id: OrganizationId, permission: &str) -> Target {
    Target { organization_id, scope: caller.scope(permission), origin: origin(caller) }
}

pub(in crate::grpc) fn update_organization(
    api: &Api,
    caller: &Caller,
    request: &pb::UpdateOrganizationRequest,
) -> Result<update::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let Some(organization) = &request.organization else {
        violations.push("organization", "REQUIRED", "is required");
        return Err(invalid(violations));
    };
    let id = place(&mut violations, caller, "organization.organization_id", &organization.organization_id);
    let populated = !organization.name.is_empty();
    let output_only = ["organization_id", "state", "home", "etag", "create_time", "mfa_policy", "suspension"];
    let mut fields = vec![("name", Field::Changeable { populated })];
    fields.extend(output_only.map(|path| (path, Field::OutputOnly)));
    // There is but one field to change, and a mask names it or is refused.
    let _ = Mask::read(&mut violations, request.update_mask.as_ref(), &fields);
    let name = violations.text("organization.name", &organization.name, OrganizationName::parse);
    let (Ok(request_id), Some(id), Some(name), true) = (request_id, id, name, violations.is_empty()) else {
        return Err(invalid(violations));
    };
    let method = "/rolecall.organization.v1.OrganizationService/UpdateOrganization";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::organization_updated(changed).encode_to_vec();
    Ok(update::Command {
        target: target(caller, id, "organization.organizations.update"),
        name,
        etag: Some(organization.etag.clone()).filter(|etag| !etag.is_empty()),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

pub(in crate::grpc) fn suspend_organization(
    api: &Api,
    caller: &Caller,
    request: &pb::SuspendOrganizationRequest,
) -> Result<suspend::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("organization_id", &request.organization_id, OrganizationId::parse);
    let reason = violations.text("reason", &request.reason, Reason::parse);
    let (Ok(request_id), Some(id), Some(reason)) = (request_id, id, reason) else { return Err(invalid(violations)) };
    let method = "/rolecall.organization.v1.OrganizationService/SuspendOrganization";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::suspended(changed).encode_to_vec();
    let target = target(caller, id, "organization.organizations.suspend");
    Ok(suspend::Command { target, reason, repeat: key.map(|key| Repeat { key, encode }) })
}

pub(in crate::grpc) fn delete_organization(
    api: &Api,
    caller: &Caller,
    request: &pb::DeleteOrganizationRequest,
) -> Result<delete::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("organization_id", &request.organization_id, OrganizationId::parse);
    let (Ok(request_id), Some(id)) = (request_id, id) else { return Err(invalid(violations)) };
    let method = "/rolecall.organization.v1.OrganizationService/DeleteOrganization";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&()) -> Vec<u8> = |()| pb::DeleteOrganizationResponse {}.encode_to_vec();
    Ok(delete::Command {
        target: target(caller, id, "organization.organizations.delete"),
        etag: Some(request.etag.clone()).filter(|etag| !etag.is_empty()),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

pub(in crate::grpc) fn resume_organization(
    api: &Api,
    caller: &Caller,
    request: &pb::ResumeOrganizationRequest,
) -> Result<resume::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let id = violations.id("organization_id", &request.organization_id, OrganizationId::parse);
    let (Ok(request_id), Some(id)) = (request_id, id) else { return Err(invalid(violations)) };
    let method = "/rolecall.organization.v1.OrganizationService/ResumeOrganization";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::resumed(changed).encode_to_vec();
    let target = target(caller, id, "organization.organizations.suspend");
    Ok(resume::Command { target, repeat: key.map(|key| Repeat { key, encode }) })
}
