//! Moves the own account to another address.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::{change_email, confirm_email_change};
use crate::domain::code::Purpose;
use crate::grpc::convert::{Fields, one_time_code};
use crate::grpc::{Grpc, answer, render};

fn asked(expires: Timestamp) -> wire::ChangeEmailResponse {
    wire::ChangeEmailResponse { expire_time: Some(render::time(expires)) }
}

pub(super) async fn change_email(
    grpc: &Grpc,
    request: Request<wire::ChangeEmailRequest>,
) -> Result<Response<wire::ChangeEmailResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let email = fields.email(&request.email);
    let email = fields.finish(email)?;
    let user_id = caller.user().ok_or(Fault::Defect("a person's method called by none"))?;
    let encode = |expires: &Timestamp| asked(*expires).encode_to_vec();
    let once = grpc.once(&caller, "AccountService/ChangeEmail", request_id, &request, encode);
    let command = change_email::Command { user_id, email, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(change_email::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, |expires| asked(*expires))?))
}

pub(super) async fn confirm_email_change(
    grpc: &Grpc,
    request: Request<wire::ConfirmEmailChangeRequest>,
) -> Result<Response<wire::ConfirmEmailChangeResponse>, Status> {
    let (request, mut fields) = (request.into_inner(), Fields::default());
    if request.code.is_empty() {
        fields.violate("code", "REQUIRED", "is required");
    }
    fields.finish(Some(()))?;
    let code = one_time_code(Purpose::EmailChange, &request.code)?;
    let resources = Arc::clone(&grpc.resources);
    let email = detached::run(async move { Ok(confirm_email_change::run(&resources, &code).await?) }).await?;
    Ok(Response::new(wire::ConfirmEmailChangeResponse { email: email.as_str().to_owned() }))
}
