//! Mail domains.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::DomainId;
use rolecall_kernel::text::EmailDomain;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::{nothing, organization_to_change};
use crate::app::sso::domains;
use crate::domain::sso::Domain;
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, answer, render};

const CREATE: &str = "identity.domains.create";
const LIST: &str = "identity.domains.list";
const VERIFY: &str = "identity.domains.verify";
const DELETE: &str = "identity.domains.delete";

fn shown(domain: &Domain) -> wire::Domain {
    wire::Domain {
        domain_id: domain.domain_id.to_string(),
        organization_id: domain.organization_id.to_string(),
        name: domain.name.as_str().to_owned(),
        record_name: domain.record(),
        record_value: domain.token.clone(),
        verify_time: domain.verified.map(render::time),
        create_time: Some(render::time(domain.created)),
    }
}

fn created(domain: &Domain) -> wire::CreateDomainResponse {
    wire::CreateDomainResponse { domain: Some(shown(domain)) }
}

pub(super) async fn create(
    grpc: &Grpc,
    request: Request<wire::CreateDomainRequest>,
) -> Result<Response<wire::CreateDomainResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let organization = organization_to_change(&mut fields, &caller, &request.organization_id);
    let name = fields.line("name", &request.name, EmailDomain::parse);
    let (organization, name) = fields.finish(organization.zip(name))?;
    let encode = |domain: &Domain| created(domain).encode_to_vec();
    let once = grpc.once(&caller, "IdentityProviderService/CreateDomain", request_id, &request, encode);
    let (actor, scope) = (caller.subject(), caller.scope(CREATE));
    let command = domains::Create { actor, scope, organization, name, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(domains::create(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, created)?))
}

pub(super) async fn verify(
    grpc: &Grpc,
    request: Request<wire::VerifyDomainRequest>,
) -> Result<Response<wire::VerifyDomainResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let id = fields.id("domain_id", &request.domain_id, DomainId::parse);
    let id = fields.finish(id)?;
    let (actor, scope) = (caller.subject(), caller.scope(VERIFY));
    let resources = Arc::clone(&grpc.resources);
    let domain = detached::run(async move { Ok(domains::verify(&resources, actor, &scope, id).await?) }).await?;
    Ok(Response::new(wire::VerifyDomainResponse { domain: Some(shown(&domain)) }))
}

pub(super) async fn list(
    grpc: &Grpc,
    request: Request<wire::ListDomainsRequest>,
) -> Result<Response<wire::ListDomainsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
    let organization = fields.listed_organization(&caller, &request.organization_id);
    let size = fields.page_size(request.page_size);
    let binding = ["IdentityProviderService/ListDomains", &subject, &request.organization_id];
    let after = grpc.position(&mut fields, &binding, &request.page_token, DomainId::from_uuid);
    let size = fields.finish(size)?;
    let command = domains::List { scope: caller.scope(LIST), organization, after, size };
    let page = domains::list(&grpc.resources, &command).await?;
    let next_page_token = grpc.next_page(&binding, &page, |domain| domain.domain_id.as_uuid());
    Ok(Response::new(wire::ListDomainsResponse { domains: page.items.iter().map(shown).collect(), next_page_token }))
}

pub(super) async fn delete(
    grpc: &Grpc,
    request: Request<wire::DeleteDomainRequest>,
) -> Result<Response<wire::DeleteDomainResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let id = fields.id("domain_id", &request.domain_id, DomainId::parse);
    let domain_id = fields.finish(id)?;
    let once = grpc.once(&caller, "IdentityProviderService/DeleteDomain", request_id, &request, nothing);
    let (actor, scope) = (caller.subject(), caller.scope(DELETE));
    let command = domains::Delete { actor, scope, domain_id, once };
    let resources = Arc::clone(&grpc.resources);
    detached::run(async move { Ok(domains::delete(&resources, &command).await?) }).await?;
    Ok(Response::new(wire::DeleteDomainResponse {}))
}
