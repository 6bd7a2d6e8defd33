//! Personal access tokens.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::AccessTokenId;
use rolecall_kernel::text::PersonName;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::{create_access_token, read_access_tokens, revoke_access_token};
use crate::domain::access_token::AccessToken;
use crate::grpc::convert::{Fields, time};
use crate::grpc::{Grpc, render};

const NO_PERSON: Fault = Fault::Defect("a method about a person was called by none");

/// Answers without content are stored as nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "answers are encoded from references")]
fn nothing((): &()) -> Vec<u8> {
    Vec::new()
}

fn describe(token: &AccessToken) -> wire::AccessToken {
    wire::AccessToken {
        access_token_id: token.access_token_id.to_string(),
        name: token.name.as_str().to_owned(),
        permissions: token.permissions.clone(),
        expire_time: Some(render::time(token.expires)),
        create_time: Some(render::time(token.created)),
        last_used_time: token.last_used.map(render::time),
    }
}

pub(super) async fn create_access_token(
    grpc: &Grpc,
    request: Request<wire::CreateAccessTokenRequest>,
) -> Result<Response<wire::CreateAccessTokenResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let name = fields.line("name", &request.name, PersonName::parse);
    let permissions = match request.permissions.as_slice() {
        [] => Vec::new(),
        named => fields.permissions(named.to_vec()),
    };
    let name = fields.finish(name)?;
    let (user_id, session_id) = caller.user().zip(caller.session()).ok_or(NO_PERSON)?;
    let once = grpc.once(&caller, "AccountService/CreateAccessToken", request_id, &request, nothing);
    let expires = request.expire_time.map(time);
    let command = create_access_token::Command { user_id, session_id, name, permissions, expires, once };
    let resources = Arc::clone(&grpc.resources);
    let made = detached::run(async move { Ok(create_access_token::run(&resources, &command).await?) }).await?;
    let (access_token, secret) = (Some(describe(&made.token)), made.secret.expose().to_owned());
    Ok(Response::new(wire::CreateAccessTokenResponse { access_token, secret }))
}

pub(super) async fn list_access_tokens(
    grpc: &Grpc,
    request: Request<wire::ListAccessTokensRequest>,
) -> Result<Response<wire::ListAccessTokensResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
    let size = fields.page_size(request.page_size);
    let binding = ["AccountService/ListAccessTokens", &subject];
    let after = grpc.position(&mut fields, &binding, &request.page_token, AccessTokenId::from_uuid);
    let size = fields.finish(size)?;
    let user_id = caller.user().ok_or(NO_PERSON)?;
    let page = read_access_tokens::list(&grpc.resources, user_id, after, size).await.map_err(Fault::from)?;
    let next_page_token = grpc.next_page(&binding, &page, |token| token.access_token_id.as_uuid());
    let access_tokens = page.items.iter().map(describe).collect();
    Ok(Response::new(wire::ListAccessTokensResponse { access_tokens, next_page_token }))
}

pub(super) async fn revoke_access_token(
    grpc: &Grpc,
    request: Request<wire::RevokeAccessTokenRequest>,
) -> Result<Response<wire::RevokeAccessTokenResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let id = fields.id("access_token_id", &request.access_token_id, AccessTokenId::parse);
    let access_token_id = fields.finish(id)?;
    let user_id = caller.user().ok_or(NO_PERSON)?;
    let once = grpc.once(&caller, "AccountService/RevokeAccessToken", request_id, &request, nothing);
    let command = revoke_access_token::Command { user_id, access_token_id, once };
    let resources = Arc::clone(&grpc.resources);
    detached::run(async move { Ok(revoke_access_token::run(&resources, &command).await?) }).await?;
    Ok(Response::new(wire::RevokeAccessTokenResponse {}))
}
