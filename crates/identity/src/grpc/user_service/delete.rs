//! Deletes accounts.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::UserId;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::delete_user;
use crate::grpc::Grpc;
use crate::grpc::convert::Fields;

/// An answer without content is stored as nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "answers are encoded from references")]
fn nothing((): &()) -> Vec<u8> {
    Vec::new()
}

pub(super) async fn delete_user(
    grpc: &Grpc,
    request: Request<wire::DeleteUserRequest>,
) -> Result<Response<wire::DeleteUserResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let user_id = fields.finish(user_id)?;
    let once = grpc.once(&caller, delete_user::METHOD, request_id, &request, nothing);
    let etag = Some(request.etag).filter(|etag| !etag.is_empty());
    let (actor, scope) = (caller.subject(), caller.scope(delete_user::PERMISSION));
    let command = delete_user::Command { actor, scope, user_id, etag, erase: request.erase, once };
    let resources = Arc::clone(&grpc.resources);
    detached::run(async move { Ok(delete_user::run(&resources, &command).await?) }).await?;
    Ok(Response::new(wire::DeleteUserResponse {}))
}
