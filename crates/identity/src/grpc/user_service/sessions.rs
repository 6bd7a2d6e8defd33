//! Other people's sessions.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::{Caller, caller};
use rolecall_kernel::id::{SessionId, UserId};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::read_sessions;
use crate::app::revoke_sessions::{self, Chosen, Ended};
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, answer, render};

const LIST: &str = "identity.sessions.list";
const REVOKE: &str = "identity.sessions.revoke";

pub(super) async fn list_user_sessions(
    grpc: &Grpc,
    request: Request<wire::ListUserSessionsRequest>,
) -> Result<Response<wire::ListUserSessionsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let size = fields.page_size(request.page_size);
    let binding = ["UserService/ListUserSessions", &subject, &request.user_id];
    let after = grpc.position(&mut fields, &binding, &request.page_token, SessionId::from_uuid);
    let (user_id, size) = fields.finish(user_id.zip(size))?;
    let command = read_sessions::List { scope: caller.scope(LIST), user_id, after, size };
    let page = read_sessions::list(&grpc.resources, &command).await?;
    let next_page_token = grpc.next_page(&binding, &page, |session| session.session_id.as_uuid());
    let sessions = page.items.iter().map(|session| render::session(session, caller.session())).collect();
    Ok(Response::new(wire::ListUserSessionsResponse { sessions, next_page_token }))
}

fn revoked(ended: &Ended) -> wire::RevokeUserSessionsResponse {
    wire::RevokeUserSessionsResponse { revoked_count: render::count(ended.sessions.len()) }
}

fn command(
    grpc: &Grpc,
    caller: &Caller,
    request: &wire::RevokeUserSessionsRequest,
) -> Result<revoke_sessions::Command, Status> {
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let chosen = fields.session_ids(&request.session_ids);
    let chosen = if request.session_ids.is_empty() { Chosen::All } else { Chosen::These(chosen) };
    let user_id = fields.finish(user_id)?;
    let (actor, scope) = (caller.subject(), caller.scope(REVOKE));
    let encode = |ended: &Ended| revoked(ended).encode_to_vec();
    let once = grpc.once(caller, "UserService/RevokeUserSessions", request_id, request, encode);
    Ok(revoke_sessions::Command { actor, scope, user_id, chosen, once })
}

pub(super) async fn revoke_user_sessions(
    grpc: &Grpc,
    request: Request<wire::RevokeUserSessionsRequest>,
) -> Result<Response<wire::RevokeUserSessionsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let command = command(grpc, &caller, &request)?;
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(revoke_sessions::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, revoked)?))
}
