//! Requests of people and programs.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::Caller;
use rolecall_kernel::id::{RequestId, UserId};
use rolecall_kernel::page::PageSize;
use rolecall_kernel::text::{EmailAddress, OrganizationName, PersonName, Reason};
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::member_filter::member_filter;
use super::page::{by_creation, list_place, page_size as size, position};
use super::{Fields as _, OrganizationFields as _, parse_time};
use crate::app::change_member::{Changed, Target};
use crate::app::{
    block_member as block, create_organization as create, read_members as members, unblock_member as unblock,
    update_member_roles as roles,
};
use crate::domain::page::Position;
use crate::grpc::status::invalid;
use crate::grpc::{Api, origin, render};
use rolecall_db::once::Repeat;

pub(in crate::grpc) fn create_organization(
    api: &Api,
    caller: &Caller,
    request: &pb::CreateOrganizationRequest,
) -> Result<create::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let name = violations.text("name", &request.name, OrganizationName::parse);
    let owner = first_owner(&mut violations, request.first_owner.as_ref());
    let mfa_policy = violations.mfa_policy("mfa_policy", request.mfa_policy);
    let (Ok(request_id), Some(name), Some(owner), Some(mfa_policy)) = (request_id, name, owner, mfa_policy) else {
        return Err(invalid(violations));
    };
    let method = create::METHOD;
    let request = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    Ok(create::Command { name, mfa_policy, owner, origin: origin(caller), request })
}

fn first_owner(violations: &mut Violations, owner: Option<&pb::FirstOwner>) -> Option<create::FirstOwner> {
    let Some(owner) = owner else {
        violations.push("first_owner", "REQUIRED", "is required");
        return None;
    };
    let email = violations.text("first_owner.email", &owner.email, EmailAddress::parse);
    let name = match owner.name.as_str() {
        "" => Some(None),
        name => violations.text("first_owner.name", name, PersonName::parse).map(Some),
    };
    let given_name = violations.text("first_owner.given_name", &owner.given_name, PersonName::parse);
    let family_name = violations.text("first_owner.family_name", &owner.family_name, PersonName::parse);
    Some(create::FirstOwner { email: email?, name: name?, given_name: given_name?, family_name: family_name? })
}

pub(in crate::grpc) fn list_organizations(
    api: &Api,
    binding: &[&str],
    request: &pb::ListOrganizationsRequest,
) -> Result<(Option<Position>, PageSize), Status> {
    let mut violations = Violations::default();
    let size = size(&mut violations, request.page_size);
    let after = position(&mut violations, api, binding, &request.page_token, by_creation);
    match (after, size) {
        (Ok(after), Some(size)) => Ok((after, size)),
        _ => Err(invalid(violations)),
    }
}

pub(in crate::grpc) fn list_members(
    api: &Api,
    caller: &Caller,
    binding: &[&str],
    request: &pb::ListMembersRequest,
) -> Result<members::List, Status> {
    let mut violations = Violations::default();
    let place = list_place(&mut violations, caller, &request.organization_id);
    let size = size(&mut violations, request.page_size);
    let after = position(&mut violations, api, binding, &request.page_token, by_creation);
    let filter = member_filter(&mut violations, &request.filter)?;
    let (Some(place), Some(size), Ok(after), Some(filter)) = (place, size, after, filter) else {
        return Err(invalid(violations));
    };
    let scope = caller.scope("organization.members.list");
    Ok(members::List { scope, organization: place.organization(), filter, after, size })
}

pub(in crate::grpc) fn update_member_roles(
    api: &Api,
    caller: &Caller,
    request: &pb::UpdateMemberRolesRequest,
) -> Result<roles::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let roles = violations.roles("roles", &request.roles);
    let (Ok(request_id), Some(user_id), Some(roles)) = (request_id, user_id, roles) else {
        return Err(invalid(violations));
    };
    let method = "/rolecall.organization.v1.MemberService/UpdateMemberRoles";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::roles_updated(changed).encode_to_vec();
    Ok(roles::Command {
        target: target(caller, user_id, "organization.members.assign_roles"),
        roles,
        etag: Some(request.etag.clone()).filter(|etag| !etag.is_empty()),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

pub(in crate::grpc) fn block_member(
    api: &Api,
    caller: &Caller,
    request: &pb::BlockMemberRequest,
    now: Timestamp,
) -> Result<block::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let reason = violations.text("reason", &request.reason, Reason::parse);
    let until = request.until_time.map(parse_time);
    if until.is_some_and(|until| until.is_none_or(|until| until <= now)) {
        violations.push("until_time", "NOT_IN_FUTURE", "must be in the future");
    }
    let (Ok(request_id), Some(user_id), Some(reason), true) = (request_id, user_id, reason, violations.is_empty())
    else {
        return Err(invalid(violations));
    };
    let method = "/rolecall.organization.v1.MemberService/BlockMember";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::blocked(changed).encode_to_vec();
    Ok(block::Command {
        target: target(caller, user_id, "organization.members.block"),
        reason,
        until: until.flatten(),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

pub(in crate::grpc) fn unblock_member(
    api: &Api,
    caller: &Caller,
    request: &pb::UnblockMemberRequest,
) -> Result<unblock::Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", &request.request_id, RequestId::parse);
    let user_id = violations.id("user_id", &request.user_id, UserId::parse);
    let (Ok(request_id), Some(user_id)) = (request_id, user_id) else { return Err(invalid(violations)) };
    let method = "/rolecall.organization.v1.MemberService/UnblockMember";
    let key = api.request_key(caller.subject(), method, request_id, &request.encode_to_vec());
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::unblocked(changed).encode_to_vec();
    let target = target(caller, user_id, "organization.members.block");
    Ok(unblock::Command { target, repeat: key.map(|key| Repeat { key, encode }) })
}

pub(super) fn target(caller: &Caller, user_id: UserId, permission: &str) -> Target {
    Target { user_id, scope: caller.scope(permission), origin: origin(caller) }
}
