//! Changes the own password, also by a mailed code.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::{change_password, request_password_reset, reset_password};
use crate::domain::code::Purpose;
use crate::domain::user::UserView;
use crate::grpc::convert::{Fields, one_time_code};
use crate::grpc::{Grpc, answer, render};

fn changed(user: &UserView) -> wire::ChangePasswordResponse {
    wire::ChangePasswordResponse { user: Some(render::user(user)) }
}

pub(super) async fn change_password(
    grpc: &Grpc,
    request: Request<wire::ChangePasswordRequest>,
) -> Result<Response<wire::ChangePasswordResponse>, Status> {
    let (deadline, caller, request) = (call::deadline(), caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let current = fields.password("current_password", &request.current_password);
    let (text, again, policy) =
        (&request.new_password, &request.new_password_confirmation, grpc.resources.password_policy);
    let new = fields.new_password("new_password", text, again, policy);
    let (current, new) = fields.finish(current.zip(new))?;
    let (user_id, session_id) =
        caller.user().zip(caller.session()).ok_or(Fault::Defect("a person's token without a session"))?;
    let encode = |user: &UserView| changed(user).encode_to_vec();
    let once = grpc.once(&caller, "AccountService/ChangePassword", request_id, &request, encode);
    let command = change_password::Command { user_id, session_id, current, new, deadline, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(change_password::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, changed)?))
}

pub(super) fn request_password_reset(
    grpc: &Grpc,
    request: Request<wire::RequestPasswordResetRequest>,
) -> Result<Response<wire::RequestPasswordResetResponse>, Status> {
    let mut fields = Fields::default();
    let email = fields.email(&request.into_inner().email);
    let email = fields.finish(email)?;
    if let Some(place) = grpc.resources.resets.enter() {
        let resources = Arc::clone(&grpc.resources);
        detached::later(async move { request_password_reset::run(&resources, place, &email).await });
    } else {
        // The same answer: nobody is told how many others ask.
        tracing::warn!("more ask for a new password than can be served; one was forgotten");
    }
    Ok(Response::new(wire::RequestPasswordResetResponse {}))
}

pub(super) async fn reset_password(
    grpc: &Grpc,
    request: Request<wire::ResetPasswordRequest>,
) -> Result<Response<wire::ResetPasswordResponse>, Status> {
    let (deadline, request) = (call::deadline(), request.into_inner());
    let mut fields = Fields::default();
    let policy = grpc.resources.password_policy;
    let password = fields.new_password("password", &request.password, &request.password_confirmation, policy);
    if request.code.is_empty() {
        fields.violate("code", "REQUIRED", "is required");
    }
    let password = fields.finish(password)?;
    let code = one_time_code(Purpose::Reset, &request.code)?;
    let command = reset_password::Command { code, password, deadline };
    let resources = Arc::clone(&grpc.resources);
    detached::run(async move { Ok(reset_password::run(&resources, command).await?) }).await?;
    Ok(Response::new(wire::ResetPasswordResponse {}))
}
