//! Lists and ends own sessions.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::{Caller, Scope, caller};
use rolecall_kernel::id::SessionId;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::read_sessions;
use crate::app::revoke_sessions::{self, Chosen, Ended};
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, answer, render};

pub(super) async fn list_sessions(
    grpc: &Grpc,
    request: Request<wire::ListSessionsRequest>,
) -> Result<Response<wire::ListSessionsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
    let size = fields.page_size(request.page_size);
    let binding = ["AccountService/ListSessions", &subject];
    let after = grpc.position(&mut fields, &binding, &request.page_token, SessionId::from_uuid);
    let size = fields.finish(size)?;
    let user_id = caller.user().ok_or(Fault::Defect("a method about a person was called by none"))?;
    let command = read_sessions::List { scope: Scope::SelfOnly(caller.subject()), user_id, after, size };
    let page = read_sessions::list(&grpc.resources, &command).await?;
    let next_page_token = grpc.next_page(&binding, &page, |session| session.session_id.as_uuid());
    let sessions = page.items.iter().map(|session| render::session(session, caller.session())).collect();
    Ok(Response::new(wire::ListSessionsResponse { sessions, next_page_token }))
}

fn revoked(ended: &Ended) -> wire::RevokeSessionsResponse {
    wire::RevokeSessionsResponse { revoked_count: render::count(ended.sessions.len()) }
}

fn command(
    grpc: &Grpc,
    caller: &Caller,
    request: &wire::RevokeSessionsRequest,
) -> Result<revoke_sessions::Command, Status> {
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let chosen = fields.session_ids(&request.session_ids);
    if request.all_others != request.session_ids.is_empty() {
        fields.violate("session_ids", "ONE_OF", "either name sessions, or set all_others");
    }
    let chosen = match (request.all_others, caller.session()) {
        (false, _) => Some(Chosen::These(chosen)),
        (true, Some(own)) => Some(Chosen::AllBut(own)),
        (true, None) => Some(Chosen::All),
    };
    let chosen = fields.finish(chosen)?;
    let encode = |ended: &Ended| revoked(ended).encode_to_vec();
    Ok(revoke_sessions::Command {
        actor: caller.subject(),
        scope: Scope::SelfOnly(caller.subject()),
        user_id: caller.user().ok_or(Fault::Defect("a method about a person was called by none"))?,
        chosen,
        once: grpc.once(caller, "AccountService/RevokeSessions", request_id, request, encode),
    })
}

pub(super) async fn revoke_sessions(
    grpc: &Grpc,
    request: Request<wire::RevokeSessionsRequest>,
) -> Result<Response<wire::RevokeSessionsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let command = command(grpc, &caller, &request)?;
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(revoke_sessions::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, revoked)?))
}
