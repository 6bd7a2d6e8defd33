//! Makes codes by which other people set a new password.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::UserId;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::issue_password_reset::{self, Issued};
use crate::grpc::convert::{Fields, delivery};
use crate::grpc::{Grpc, answer, render};

const SET_PASSWORD: &str = "identity.users.set_password";

fn issued(issued: &Issued) -> wire::IssuePasswordResetResponse {
    let code = issued.code.as_ref().map(|code| code.expose().to_owned()).unwrap_or_default();
    wire::IssuePasswordResetResponse { expire_time: Some(render::time(issued.expires)), code }
}

pub(super) async fn issue_password_reset(
    grpc: &Grpc,
    request: Request<wire::IssuePasswordResetRequest>,
) -> Result<Response<wire::IssuePasswordResetResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let user_id = fields.finish(user_id)?;
    // Stored without the code, which is shown only once.
    let encode = |done: &Issued| issued(&Issued { code: None, ..done.clone() }).encode_to_vec();
    let once = grpc.once(&caller, "UserService/IssuePasswordReset", request_id, &request, encode);
    let delivery = delivery(&caller, request.delivery);
    let (actor, scope) = (caller.subject(), caller.scope(SET_PASSWORD));
    let command = issue_password_reset::Command { actor, scope, user_id, delivery, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(issue_password_reset::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, issued)?))
}
