//! Requests about the administrators of the instance.

use prost::Message as _;
use rolecall_api::organization::v1 as pb;
use rolecall_authz::Caller;
use rolecall_kernel::id::{RequestId, UserId};
use rolecall_kernel::page::PageSize;
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::Fields as _;
use super::page::{by_creation, page_size as size, position};
use super::public::target;
use crate::app::change_admin::{Change, Command};
use crate::app::change_member::Changed;
use crate::domain::page::Position;
use crate::grpc::status::invalid;
use crate::grpc::{Api, render};
use rolecall_db::once::Repeat;

pub(in crate::grpc) fn list_admins(
    api: &Api,
    binding: &[&str],
    request: &pb::ListAdminsRequest,
) -> Result<(Option<Position>, PageSize), Status> {
    let mut violations = Violations::default();
    let size = size(&mut violations, request.page_size);
    let after = position(&mut violations, api, binding, &request.page_token, by_creation);
    match (after, size) {
        (Ok(after), Some(size)) => Ok((after, size)),
        _ => Err(invalid(violations)),
    }
}

pub(in crate::grpc) fn grant_admin(
    api: &Api,
    caller: &Caller,
    request: &pb::GrantAdminRequest,
) -> Result<Command, Status> {
    let content = request.encode_to_vec();
    let method = "/rolecall.organization.v1.MemberService/GrantAdmin";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::admin_granted(changed).encode_to_vec();
    command(api, caller, (&request.request_id, &request.user_id), Change::Grant, (method, &content, encode))
}

pub(in crate::grpc) fn revoke_admin(
    api: &Api,
    caller: &Caller,
    request: &pb::RevokeAdminRequest,
) -> Result<Command, Status> {
    let content = request.encode_to_vec();
    let method = "/rolecall.organization.v1.MemberService/RevokeAdmin";
    let encode: fn(&Changed) -> Vec<u8> = |changed| render::admin_revoked(changed).encode_to_vec();
    command(api, caller, (&request.request_id, &request.user_id), Change::Revoke, (method, &content, encode))
}

/// The method, what it was asked, and how its answer is kept.
type Asked<'a> = (&'static str, &'a [u8], fn(&Changed) -> Vec<u8>);

fn command(
    api: &Api,
    caller: &Caller,
    (request_id, user_id): (&str, &str),
    change: Change,
    (method, content, encode): Asked<'_>,
) -> Result<Command, Status> {
    let mut violations = Violations::default();
    let request_id = violations.optional_id("request_id", request_id, RequestId::parse);
    let user_id = violations.id("user_id", user_id, UserId::parse);
    let (Ok(request_id), Some(user_id)) = (request_id, user_id) else { return Err(invalid(violations)) };
    let key = api.request_key(caller.subject(), method, request_id, content);
    let target = target(caller, user_id, change.permission());
    Ok(Command { target, change, repeat: key.map(|key| Repeat { key, encode }) })
}
