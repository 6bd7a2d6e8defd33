//! `rolecall.identity.v1.ServiceAccountService`.

mod update;

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::service_account_service_server::ServiceAccountService;
use rolecall_api::identity::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, CreateServiceAccountRequest, CreateServiceAccountResponse,
    DeleteApiKeyRequest, DeleteApiKeyResponse, DeleteServiceAccountRequest, DeleteServiceAccountResponse,
    GetServiceAccountRequest, GetServiceAccountResponse, ListApiKeysRequest, ListApiKeysResponse,
    ListServiceAccountsRequest, ListServiceAccountsResponse,
};
use rolecall_authz::{Caller, caller};
use rolecall_kernel::id::{ApiKeyId, OrganizationId, ServiceAccountId};
use rolecall_kernel::text::PersonName;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::{Fields, time};
use super::{Grpc, answer, render};
use crate::app::create_service_account::{self, Place};
use crate::app::{create_api_key, delete_api_key, delete_service_account, read_service_accounts};
use crate::domain::service_account::ServiceAccount;

const CREATE: &str = "identity.service_accounts.create";
const GET: &str = "identity.service_accounts.get";
const LIST: &str = "identity.service_accounts.list";
const DELETE: &str = "identity.service_accounts.delete";

fn made(account: &ServiceAccount) -> CreateServiceAccountResponse {
    CreateServiceAccountResponse { service_account: Some(render::service_account(account)) }
}

fn key_made(made: &create_api_key::Made) -> CreateApiKeyResponse {
    let secret = made.secret.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default();
    CreateApiKeyResponse { api_key: Some(render::api_key(&made.key)), secret }
}

/// Answers without content are stored as nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "answers are encoded from references")]
fn nothing((): &()) -> Vec<u8> {
    Vec::new()
}

impl Grpc {
    fn create_service_account_command(
        &self,
        caller: &Caller,
        request: &CreateServiceAccountRequest,
    ) -> Result<create_service_account::Command, Status> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let place = match request.organization_id.as_str() {
            "-" => Place::Instance,
            id => fields.target_organization(caller, id).map_or(Place::Own, Place::Organization),
        };
        let name = fields.line("name", &request.name, PersonName::parse);
        let permissions = fields.permissions(request.permissions.clone());
        let name = fields.finish(name)?;
        let encode = |account: &ServiceAccount| made(account).encode_to_vec();
        let once = self.once(caller, "ServiceAccountService/CreateServiceAccount", request_id, request, encode);
        let (actor, scope) = (caller.subject(), caller.scope(CREATE));
        Ok(create_service_account::Command { actor, scope, place, name, permissions, once })
    }
}

/// Reads the identifier of an account.
fn account_id(fields: &mut Fields, text: &str) -> Option<ServiceAccountId> {
    fields.id("service_account_id", text, ServiceAccountId::parse)
}

#[tonic::async_trait]
impl ServiceAccountService for Grpc {
    async fn create_service_account(
        &self,
        request: Request<CreateServiceAccountRequest>,
    ) -> Result<Response<CreateServiceAccountResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let command = self.create_service_account_command(&caller, &request)?;
        let resources = Arc::clone(&self.resources);
        let done = detached::run(async move { Ok(create_service_account::run(&resources, &command).await?) }).await?;
        Ok(Response::new(answer(done, made)?))
    }

    async fn get_service_account(
        &self,
        request: Request<GetServiceAccountRequest>,
    ) -> Result<Response<GetServiceAccountResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let id = account_id(&mut fields, &request.service_account_id);
        let id = fields.finish(id)?;
        let account = read_service_accounts::get(&self.resources, id, &caller.scope(GET)).await?;
        Ok(Response::new(GetServiceAccountResponse { service_account: Some(render::service_account(&account)) }))
    }

    async fn list_service_accounts(
        &self,
        request: Request<ListServiceAccountsRequest>,
    ) -> Result<Response<ListServiceAccountsResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
        let organization: Option<OrganizationId> = fields.listed_organization(&caller, &request.organization_id);
        let size = fields.page_size(request.page_size);
        let binding = ["ServiceAccountService/ListServiceAccounts", &subject, &request.organization_id];
        let after = self.position(&mut fields, &binding, &request.page_token, ServiceAccountId::from_uuid);
        let size = fields.finish(size)?;
        let command = read_service_accounts::List { scope: caller.scope(LIST), organization, after, size };
        let page = read_service_accounts::list(&self.resources, &command).await?;
        let next_page_token = self.next_page(&binding, &page, |account| account.service_account_id.as_uuid());
        let service_accounts = page.items.iter().map(render::service_account).collect();
        Ok(Response::new(ListServiceAccountsResponse { service_accounts, next_page_token }))
    }

    async fn delete_service_account(
        &self,
        request: Request<DeleteServiceAccountRequest>,
    ) -> Result<Response<DeleteServiceAccountResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let id = account_id(&mut fields, &request.service_account_id);
        let service_account_id = fields.finish(id)?;
        let once = self.once(&caller, "ServiceAccountService/DeleteServiceAccount", request_id, &request, nothing);
        let (actor, scope) = (caller.subject(), caller.scope(DELETE));
        let command = delete_service_account::Command { actor, scope, service_account_id, once };
        let resources = Arc::clone(&self.resources);
        detached::run(async move { Ok(delete_service_account::run(&resources, &command).await?) }).await?;
        Ok(Response::new(DeleteServiceAccountResponse {}))
    }

    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Result<Response<CreateApiKeyResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let id = account_id(&mut fields, &request.service_account_id);
        let public_key = fields.public_key(&request.public_key);
        let service_account_id = fields.finish(id)?;
        // An answer with a secret is stored without it, which is to say not at all.
        let encode = |made: &create_api_key::Made| match &made.secret {
            Some(_) => Vec::new(),
            None => key_made(made).encode_to_vec(),
        };
        let once = self.once(&caller, "ServiceAccountService/CreateApiKey", request_id, &request, encode);
        let (actor, scope) = (caller.subject(), caller.scope(CREATE));
        let expires = request.expire_time.map(time);
        let command = create_api_key::Command { actor, scope, service_account_id, expires, public_key, once };
        let resources = Arc::clone(&self.resources);
        let made = detached::run(async move { Ok(create_api_key::run(&resources, &command).await?) }).await?;
        Ok(Response::new(answer(made, key_made)?))
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Result<Response<ListApiKeysResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
        let id = account_id(&mut fields, &request.service_account_id);
        let size = fields.page_size(request.page_size);
        let binding = ["ServiceAccountService/ListApiKeys", &subject, &request.service_account_id];
        let after = self.position(&mut fields, &binding, &request.page_token, ApiKeyId::from_uuid);
        let (id, size) = fields.finish(id.zip(size))?;
        let page = read_service_accounts::list_keys(&self.resources, id, &caller.scope(GET), after, size).await?;
        let next_page_token = self.next_page(&binding, &page, |key| key.api_key_id.as_uuid());
        Ok(Response::new(ListApiKeysResponse {
            api_keys: page.items.iter().map(render::api_key).collect(),
            next_page_token,
        }))
    }

    async fn delete_api_key(
        &self,
        request: Request<DeleteApiKeyRequest>,
    ) -> Result<Response<DeleteApiKeyResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let id = fields.id("api_key_id", &request.api_key_id, ApiKeyId::parse);
        let api_key_id = fields.finish(id)?;
        let once = self.once(&caller, "ServiceAccountService/DeleteApiKey", request_id, &request, nothing);
        let (actor, scope) = (caller.subject(), caller.scope(DELETE));
        let command = delete_api_key::Command { actor, scope, api_key_id, once };
        let resources = Arc::clone(&self.resources);
        detached::run(async move { Ok(delete_api_key::run(&resources, &command).await?) }).await?;
        Ok(Response::new(DeleteApiKeyResponse {}))
    }

    async fn update_service_account(
        &self,
        request: Request<wire::UpdateServiceAccountRequest>,
    ) -> Result<Response<wire::UpdateServiceAccountResponse>, Status> {
        update::update_service_account(self, request).await
    }
}
