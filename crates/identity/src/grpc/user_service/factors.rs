//! Other people's second factors.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::UserId;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::reset_user_factors;
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, answer};

const RESET: &str = "identity.factors.reset";

pub(super) async fn reset_user_factors(
    grpc: &Grpc,
    request: Request<wire::ResetUserFactorsRequest>,
) -> Result<Response<wire::ResetUserFactorsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let user_id = fields.finish(user_id)?;
    let encode = |(): &()| wire::ResetUserFactorsResponse {}.encode_to_vec();
    let once = grpc.once(&caller, "UserService/ResetUserFactors", request_id, &request, encode);
    let (actor, scope) = (caller.subject(), caller.scope(RESET));
    let command = reset_user_factors::Command { actor, scope, user_id, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(reset_user_factors::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, |()| wire::ResetUserFactorsResponse {})?))
}
