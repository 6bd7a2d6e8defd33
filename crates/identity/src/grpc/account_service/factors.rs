//! Own second factors.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::{Caller, caller};
use rolecall_kernel::id::{FactorId, SessionId, UserId};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::{confirm_totp, enroll_totp, list_factors, regenerate_recovery_codes, remove_factor};
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, answer, second_factor};

/// The calling person and its session.
fn person(caller: &Caller) -> Result<(UserId, SessionId), Fault> {
    caller.user().zip(caller.session()).ok_or(Fault::Defect("a person's token without a session"))
}

pub(super) async fn list_factors(
    grpc: &Grpc,
    request: Request<wire::ListFactorsRequest>,
) -> Result<Response<wire::ListFactorsResponse>, Status> {
    let (user_id, _) = person(&*caller(&request)?)?;
    let (factors, left) = list_factors::run(&grpc.resources, user_id).await?;
    Ok(Response::new(wire::ListFactorsResponse {
        factors: factors.iter().map(second_factor::factor).collect(),
        recovery_codes_left: i32::try_from(left).unwrap_or(i32::MAX),
    }))
}

pub(super) async fn enroll_totp(
    grpc: &Grpc,
    request: Request<wire::EnrollTotpRequest>,
) -> Result<Response<wire::EnrollTotpResponse>, Status> {
    let (user_id, _) = person(&*caller(&request)?)?;
    let mut fields = Fields::default();
    let name = fields.factor_name("name", &request.into_inner().name);
    fields.finish(Some(()))?;
    let resources = Arc::clone(&grpc.resources);
    let begun = detached::run(async move { Ok(enroll_totp::run(&resources, user_id, name.as_ref()).await?) }).await?;
    Ok(Response::new(wire::EnrollTotpResponse { enrollment: Some(second_factor::enrollment(&begun)?) }))
}

pub(super) async fn confirm_totp(
    grpc: &Grpc,
    request: Request<wire::ConfirmTotpRequest>,
) -> Result<Response<wire::ConfirmTotpResponse>, Status> {
    let ((user_id, session_id), request) = (person(&*caller(&request)?)?, request.into_inner());
    let mut fields = Fields::default();
    let factor_id = fields.id("factor_id", &request.factor_id, FactorId::parse);
    let code = fields.totp_code("code", &request.code);
    let (factor_id, code) = fields.finish(factor_id.zip(code))?;
    let command = confirm_totp::Command { user_id, session_id, factor_id, code };
    let resources = Arc::clone(&grpc.resources);
    let confirmed = detached::run(async move { Ok(confirm_totp::run(&resources, command).await?) }).await?;
    Ok(Response::new(wire::ConfirmTotpResponse {
        factor: Some(second_factor::factor(&confirmed.factor)),
        recovery_codes: second_factor::recovery_codes(&confirmed.recovery_codes),
    }))
}

pub(super) async fn remove_factor(
    grpc: &Grpc,
    request: Request<wire::RemoveFactorRequest>,
) -> Result<Response<wire::RemoveFactorResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let (user_id, session_id) = person(&caller)?;
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let factor_id = fields.id("factor_id", &request.factor_id, FactorId::parse);
    let factor_id = fields.finish(factor_id)?;
    let encode = |(): &()| wire::RemoveFactorResponse {}.encode_to_vec();
    let once = grpc.once(&caller, "AccountService/RemoveFactor", request_id, &request, encode);
    let command = remove_factor::Command { user_id, session_id, factor_id, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(remove_factor::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, |()| wire::RemoveFactorResponse {})?))
}

pub(super) async fn regenerate_recovery_codes(
    grpc: &Grpc,
    request: Request<wire::RegenerateRecoveryCodesRequest>,
) -> Result<Response<wire::RegenerateRecoveryCodesResponse>, Status> {
    let (user_id, _) = person(&*caller(&request)?)?;
    let resources = Arc::clone(&grpc.resources);
    let codes = detached::run(async move { Ok(regenerate_recovery_codes::run(&resources, user_id).await?) }).await?;
    Ok(Response::new(wire::RegenerateRecoveryCodesResponse { recovery_codes: second_factor::recovery_codes(&codes) }))
}
