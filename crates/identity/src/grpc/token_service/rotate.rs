//! New signing keys.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::rotate_signing_keys::{self, Rotated};
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, answer, render};

fn rotated(rotated: &Rotated) -> wire::RotateSigningKeysResponse {
    wire::RotateSigningKeysResponse {
        kid: rotated.key_id.to_string(),
        active_from_time: Some(render::time(rotated.active_from)),
    }
}

pub(super) async fn rotate_signing_keys(
    grpc: &Grpc,
    request: Request<wire::RotateSigningKeysRequest>,
) -> Result<Response<wire::RotateSigningKeysResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    fields.finish(Some(()))?;
    let encode = |done: &Rotated| rotated(done).encode_to_vec();
    let once = grpc.once(&caller, "TokenService/RotateSigningKeys", request_id, &request, encode);
    let command =
        rotate_signing_keys::Command { actor: caller.subject(), retire_previous: request.retire_previous, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(rotate_signing_keys::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, rotated)?))
}
