//! Changes service accounts.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::text::PersonName;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::account_id;
use crate::app::update_service_account;
use crate::domain::service_account::ServiceAccount;
use crate::grpc::convert::Fields;
use crate::grpc::mask::Field;
use crate::grpc::{Grpc, answer, render};

const UPDATE: &str = "identity.service_accounts.update";

fn updated(account: &ServiceAccount) -> wire::UpdateServiceAccountResponse {
    wire::UpdateServiceAccountResponse { service_account: Some(render::service_account(account)) }
}

pub(super) async fn update_service_account(
    grpc: &Grpc,
    request: Request<wire::UpdateServiceAccountRequest>,
) -> Result<Response<wire::UpdateServiceAccountResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let account = request.service_account.clone().unwrap_or_default();
    let resource = [
        ("service_account_id", Field::OutputOnly),
        ("organization_id", Field::OutputOnly),
        ("name", Field::Changeable { populated: !account.name.is_empty() }),
        ("permissions", Field::Changeable { populated: !account.permissions.is_empty() }),
        ("create_time", Field::OutputOnly),
        ("etag", Field::OutputOnly),
    ];
    let id = account_id(&mut fields, &account.service_account_id);
    let mask = fields.mask(request.update_mask.as_ref(), &resource);
    let name = mask.contains("name").then(|| fields.line("service_account.name", &account.name, PersonName::parse));
    let permissions = mask.contains("permissions").then(|| fields.permissions(account.permissions));
    let service_account_id = fields.finish(id)?;
    let encode = |done: &ServiceAccount| updated(done).encode_to_vec();
    let once = grpc.once(&caller, "ServiceAccountService/UpdateServiceAccount", request_id, &request, encode);
    let command = update_service_account::Command {
        actor: caller.subject(),
        scope: caller.scope(UPDATE),
        service_account_id,
        etag: Some(account.etag).filter(|etag| !etag.is_empty()),
        name: name.flatten(),
        permissions,
        once,
    };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(update_service_account::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, updated)?))
}
