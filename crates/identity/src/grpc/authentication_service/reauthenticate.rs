//! Step-up: proves once more who calls.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::reauthenticate_request::Factor as Given;
use rolecall_authz::caller;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::reauthenticate;
use crate::domain::factor::FactorCode;
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, render};

pub(super) async fn reauthenticate(
    grpc: &Grpc,
    request: Request<wire::ReauthenticateRequest>,
) -> Result<Response<wire::ReauthenticateResponse>, Status> {
    let (deadline, caller, request) = (call::deadline(), caller(&request)?, request.into_inner());
    let (user_id, session_id) =
        caller.user().zip(caller.session()).ok_or(Fault::Defect("a person's token without a session"))?;
    let mut fields = Fields::default();
    let password = fields.password("password", &request.password);
    let code = match &request.factor {
        None => None,
        Some(Given::TotpCode(code)) => fields.totp_code("totp_code", code).map(FactorCode::Totp),
        Some(Given::RecoveryCode(code)) => fields.recovery_code("recovery_code", code),
    };
    let password = fields.finish(password)?;
    let command = reauthenticate::Command { user_id, session_id, password, code, deadline };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(reauthenticate::run(&resources, &command).await?) }).await?;
    let (access_token, expires) = done;
    Ok(Response::new(wire::ReauthenticateResponse {
        access_token,
        access_token_expire_time: Some(render::time(expires)),
    }))
}
