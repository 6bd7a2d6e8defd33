//! `rolecall.identity.v1.IdentityProviderService`.

mod domains;
mod fields;

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::identity_provider_service_server::IdentityProviderService;
use rolecall_authz::{Caller, caller};
use rolecall_kernel::id::{IdentityProviderId, OrganizationId};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::Fields;
use super::{Grpc, answer, render};
use crate::app::sso::{self, providers};
use crate::domain::sso::{IdentityProvider, RoleSource};

const CREATE: &str = "identity.identity_providers.create";
const GET: &str = "identity.identity_providers.get";
const LIST: &str = "identity.identity_providers.list";
const UPDATE: &str = "identity.identity_providers.update";
const DELETE: &str = "identity.identity_providers.delete";

/// Answers without content are stored as nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "answers are encoded from references")]
fn nothing((): &()) -> Vec<u8> {
    Vec::new()
}

fn provider_id(fields: &mut Fields, field: &str, text: &str) -> Option<IdentityProviderId> {
    fields.id(field, text, IdentityProviderId::parse)
}

/// Reads which organization something is made in; empty means the caller's own.
fn organization_to_change(fields: &mut Fields, caller: &Caller, text: &str) -> Option<OrganizationId> {
    if text == "-" {
        return fields.id("organization_id", text, OrganizationId::parse);
    }
    fields.listed_organization(caller, text)
}

impl Grpc {
    /// Shows a provider: all but its secret, and the address to be registered there.
    fn provider(&self, provider: &IdentityProvider) -> wire::IdentityProvider {
        let redirect_uri = sso::redirect_uri(&self.resources, provider.identity_provider_id);
        wire::IdentityProvider { redirect_uri, ..shown(provider) }
    }
}

/// Shows a provider as its row does; stored answers hold it so.
fn shown(provider: &IdentityProvider) -> wire::IdentityProvider {
    let settings = &provider.settings;
    let source = match settings.role_source {
        RoleSource::Rolecall => wire::RoleSource::Rolecall,
        RoleSource::Claims => wire::RoleSource::Claims,
    };
    let mapping =
        |rule: &crate::domain::sso::RoleRule| wire::RoleMapping { value: rule.value.clone(), role: rule.role.clone() };
    wire::IdentityProvider {
        identity_provider_id: provider.identity_provider_id.to_string(),
        organization_id: provider.organization_id.to_string(),
        display_name: settings.name.to_string(),
        issuer: settings.issuer.clone(),
        client_id: settings.client_id.clone(),
        client_secret: String::new(),
        scopes: settings.scopes.clone(),
        role_source: source.into(),
        role_claim: settings.role_claim.clone(),
        role_mappings: settings.role_mapping.iter().map(mapping).collect(),
        required_acr_values: settings.required_acr.clone(),
        required_amr_values: settings.required_amr.clone(),
        just_in_time: settings.just_in_time,
        linking: settings.linking,
        enabled: settings.enabled,
        redirect_uri: String::new(),
        etag: provider.version.to_string(),
        create_time: Some(render::time(provider.created)),
        update_time: Some(render::time(provider.updated)),
    }
}

fn created(provider: &IdentityProvider) -> Vec<u8> {
    wire::CreateIdentityProviderResponse { identity_provider: Some(shown(provider)) }.encode_to_vec()
}

fn updated(provider: &IdentityProvider) -> Vec<u8> {
    wire::UpdateIdentityProviderResponse { identity_provider: Some(shown(provider)) }.encode_to_vec()
}

#[tonic::async_trait]
impl IdentityProviderService for Grpc {
    async fn create_identity_provider(
        &self,
        request: Request<wire::CreateIdentityProviderRequest>,
    ) -> Result<Response<wire::CreateIdentityProviderResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = request.identity_provider.clone().unwrap_or_default();
        let organization = organization_to_change(&mut fields, &caller, &given.organization_id);
        let change = fields::all(&mut fields, &given);
        let organization = fields.finish(organization)?;
        let once = self.once(&caller, "IdentityProviderService/CreateIdentityProvider", request_id, &request, created);
        let (actor, scope) = (caller.subject(), caller.scope(CREATE));
        let command = providers::Create { actor, scope, organization, change, once };
        let resources = Arc::clone(&self.resources);
        let done = detached::run(async move { Ok(providers::create(&resources, &command).await?) }).await?;
        let made = |provider: &IdentityProvider| wire::CreateIdentityProviderResponse {
            identity_provider: Some(self.provider(provider)),
        };
        Ok(Response::new(answer(done, made)?))
    }

    async fn get_identity_provider(
        &self,
        request: Request<wire::GetIdentityProviderRequest>,
    ) -> Result<Response<wire::GetIdentityProviderResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let id = provider_id(&mut fields, "identity_provider_id", &request.identity_provider_id);
        let id = fields.finish(id)?;
        let provider = providers::get(&self.resources, id, &caller.scope(GET)).await?;
        let identity_provider = Some(self.provider(&provider));
        Ok(Response::new(wire::GetIdentityProviderResponse { identity_provider }))
    }

    async fn list_identity_providers(
        &self,
        request: Request<wire::ListIdentityProvidersRequest>,
    ) -> Result<Response<wire::ListIdentityProvidersResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
        let organization = fields.listed_organization(&caller, &request.organization_id);
        let size = fields.page_size(request.page_size);
        let binding = ["IdentityProviderService/ListIdentityProviders", &subject, &request.organization_id];
        let after = self.position(&mut fields, &binding, &request.page_token, IdentityProviderId::from_uuid);
        let size = fields.finish(size)?;
        let command = providers::List { scope: caller.scope(LIST), organization, after, size };
        let page = providers::list(&self.resources, &command).await?;
        let next_page_token = self.next_page(&binding, &page, |provider| provider.identity_provider_id.as_uuid());
        let identity_providers = page.items.iter().map(|provider| self.provider(provider)).collect();
        Ok(Response::new(wire::ListIdentityProvidersResponse { identity_providers, next_page_token }))
    }

    async fn update_identity_provider(
        &self,
        request: Request<wire::UpdateIdentityProviderRequest>,
    ) -> Result<Response<wire::UpdateIdentityProviderResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = request.identity_provider.clone().unwrap_or_default();
        let field = "identity_provider.identity_provider_id";
        let id = provider_id(&mut fields, field, &given.identity_provider_id);
        let change = fields::masked(&mut fields, &given, request.update_mask.as_ref());
        let identity_provider_id = fields.finish(id)?;
        let once = self.once(&caller, "IdentityProviderService/UpdateIdentityProvider", request_id, &request, updated);
        let command = providers::Update {
            actor: caller.subject(),
            scope: caller.scope(UPDATE),
            identity_provider_id,
            etag: Some(given.etag).filter(|etag| !etag.is_empty()),
            change,
            once,
        };
        let resources = Arc::clone(&self.resources);
        let done = detached::run(async move { Ok(providers::update(&resources, &command).await?) }).await?;
        let made = |provider: &IdentityProvider| wire::UpdateIdentityProviderResponse {
            identity_provider: Some(self.provider(provider)),
        };
        Ok(Response::new(answer(done, made)?))
    }

    async fn delete_identity_provider(
        &self,
        request: Request<wire::DeleteIdentityProviderRequest>,
    ) -> Result<Response<wire::DeleteIdentityProviderResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let id = provider_id(&mut fields, "identity_provider_id", &request.identity_provider_id);
        let identity_provider_id = fields.finish(id)?;
        let once = self.once(&caller, "IdentityProviderService/DeleteIdentityProvider", request_id, &request, nothing);
        let (actor, scope) = (caller.subject(), caller.scope(DELETE));
        let command = providers::Delete { actor, scope, identity_provider_id, once };
        let resources = Arc::clone(&self.resources);
        detached::run(async move { Ok(providers::delete(&resources, &command).await?) }).await?;
        Ok(Response::new(wire::DeleteIdentityProviderResponse {}))
    }

    async fn test_identity_provider(
        &self,
        request: Request<wire::TestIdentityProviderRequest>,
    ) -> Result<Response<wire::TestIdentityProviderResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let id = provider_id(&mut fields, "identity_provider_id", &request.identity_provider_id);
        let id = fields.finish(id)?;
        let described = providers::test(&self.resources, id, &caller.scope(UPDATE)).await?;
        Ok(Response::new(wire::TestIdentityProviderResponse {
            authorization_endpoint: described.authorization_endpoint,
            key_count: i32::try_from(described.keys).unwrap_or(i32::MAX),
            issuer_in_answers: described.names_itself,
        }))
    }

    async fn create_domain(
        &self,
        request: Request<wire::CreateDomainRequest>,
    ) -> Result<Response<wire::CreateDomainResponse>, Status> {
        domains::create(self, request).await
    }

    async fn verify_domain(
        &self,
        request: Request<wire::VerifyDomainRequest>,
    ) -> Result<Response<wire::VerifyDomainResponse>, Status> {
        domains::verify(self, request).await
    }

    async fn list_domains(
        &self,
        request: Request<wire::ListDomainsRequest>,
    ) -> Result<Response<wire::ListDomainsResponse>, Status> {
        domains::list(self, request).await
    }

    async fn delete_domain(
        &self,
        request: Request<wire::DeleteDomainRequest>,
    ) -> Result<Response<wire::DeleteDomainResponse>, Status> {
        domains::delete(self, request).await
    }
}
