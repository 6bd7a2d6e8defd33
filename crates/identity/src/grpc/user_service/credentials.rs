//! Other people's passwords.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::UserId;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::set_user_password;
use crate::domain::user::UserView;
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, answer, render};

const SET_PASSWORD: &str = "identity.users.set_password";

fn set(user: &UserView) -> wire::SetUserPasswordResponse {
    wire::SetUserPasswordResponse { user: Some(render::user(user)) }
}

pub(super) async fn set_user_password(
    grpc: &Grpc,
    request: Request<wire::SetUserPasswordRequest>,
) -> Result<Response<wire::SetUserPasswordResponse>, Status> {
    let (deadline, caller, request) = (call::deadline(), caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let (text, again, policy) = (&request.password, &request.password_confirmation, grpc.resources.password_policy);
    let password = fields.new_password("password", text, again, policy);
    let change_required = fields.change_required("change", request.change);
    let (user_id, password) = fields.finish(user_id.zip(password))?;
    let encode = |user: &UserView| set(user).encode_to_vec();
    let once = grpc.once(&caller, "UserService/SetUserPassword", request_id, &request, encode);
    let (actor, scope) = (caller.subject(), caller.scope(SET_PASSWORD));
    let command = set_user_password::Command { actor, scope, user_id, password, change_required, deadline, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(set_user_password::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, set)?))
}
