//! Logins that begin at an identity provider.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::begin_sso_login_request::Provider;
use rolecall_api::identity::v1::complete_sso_login_request::Returned;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{IdentityProviderId, OrganizationId};
use rolecall_kernel::network::Network;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::log_in::audience;
use crate::app::Resources;
use crate::app::sso::begin::{self, Target};
use crate::app::sso::complete;
use crate::app::sso::return_to::Callback;
use crate::domain::sso::LOGIN_PREFIX;
use crate::grpc::convert::Fields;
use crate::grpc::status::refuse;
use crate::grpc::{Grpc, render};

/// The longest of what comes through a browser.
const MAX_TEXT: usize = 8 * 1024;

pub(super) async fn begin(
    grpc: &Grpc,
    request: Request<wire::BeginSsoLoginRequest>,
) -> Result<Response<wire::BeginSsoLoginResponse>, Status> {
    let network = request.extensions().get::<Network>().copied();
    let request = request.into_inner();
    let mut fields = Fields::default();
    let target = target(&mut fields, request.provider);
    let audience = audience(grpc, &mut fields, &request.audience);
    let target = fields.finish(target)?;
    let return_url = Some(request.return_url).filter(|url| !url.is_empty());
    let command = begin::Command { target, return_url, audience, fresh: request.fresh, network, link: None };
    let begun = begin::run(&grpc.resources, &command).await?;
    Ok(Response::new(wire::BeginSsoLoginResponse {
        authorization_url: begun.authorization_url,
        login_token: begun.token.expose().to_owned(),
        expire_time: Some(render::time(begun.expires)),
    }))
}

fn target(fields: &mut Fields, given: Option<Provider>) -> Option<Target> {
    match given {
        None => {
            fields.violate("provider", "REQUIRED", "must name an address, an organization or a provider");
            None
        }
        Some(Provider::Email(email)) => fields.email(&email).map(Target::Email),
        Some(Provider::OrganizationId(id)) => {
            fields.id("organization_id", &id, OrganizationId::parse).map(Target::Organization)
        }
        Some(Provider::IdentityProviderId(id)) => {
            fields.id("identity_provider_id", &id, IdentityProviderId::parse).map(Target::Provider)
        }
    }
}

pub(super) async fn complete(
    grpc: &Grpc,
    request: Request<wire::CompleteSsoLoginRequest>,
) -> Result<Response<wire::CompleteSsoLoginResponse>, Status> {
    let request = request.into_inner();
    let refused = || refuse(wire::ErrorReason::SsoRefused);
    // What has not the form of a token or a handle is as unknown as any other.
    let token = OpaqueToken::parse(LOGIN_PREFIX, &request.login_token).ok_or_else(refused)?;
    let callback = callback(&grpc.resources, request.returned).ok_or_else(refused)?;
    let resources = Arc::clone(&grpc.resources);
    let command = complete::Command { token, callback };
    let tokens = detached::run(async move { Ok(complete::run(&resources, command).await?) }).await?;
    Ok(Response::new(wire::CompleteSsoLoginResponse { tokens: Some(render::tokens(&tokens)) }))
}

fn callback(resources: &Resources, returned: Option<Returned>) -> Option<Callback> {
    match returned? {
        Returned::Handle(handle) => Callback::open(resources, &handle),
        Returned::Callback(wire::SsoCallback { state, code, iss }) => {
            let is_short = [&state, &code, &iss].iter().all(|text| text.len() <= MAX_TEXT);
            let given = |text: String| Some(text).filter(|text| !text.is_empty());
            is_short.then(|| Callback { state, code: given(code), iss: given(iss) })
        }
    }
}
