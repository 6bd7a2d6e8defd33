//! What is open to people without an account.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::network::Network;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::log_in_as_guest::{self, Command};
use crate::app::login_options::{self, LoginMethod};
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, render};

pub(super) async fn log_in_as_guest(
    grpc: &Grpc,
    request: Request<wire::LogInAsGuestRequest>,
) -> Result<Response<wire::LogInAsGuestResponse>, Status> {
    let network = request.extensions().get::<Network>().copied();
    let (text, mut fields) = (request.into_inner().organization_id, Fields::default());
    let organization = match text.as_str() {
        "" => Some(None),
        text => fields.id("organization_id", text, OrganizationId::parse).map(Some),
    };
    let command = Command { organization: fields.finish(organization)?, network };
    let resources = Arc::clone(&grpc.resources);
    let (tokens, organization) =
        detached::run(async move { Ok(log_in_as_guest::run(&resources, &command).await?) }).await?;
    Ok(Response::new(wire::LogInAsGuestResponse {
        tokens: Some(render::tokens(&tokens)),
        organization_id: organization.to_string(),
    }))
}

pub(super) async fn get_login_options(
    grpc: &Grpc,
    request: Request<wire::GetLoginOptionsRequest>,
) -> Result<Response<wire::GetLoginOptionsResponse>, Status> {
    let (request, mut fields) = (request.into_inner(), Fields::default());
    let email = fields.email(&request.email);
    let email = fields.finish(email)?;
    let options = login_options::run(&grpc.resources, &email).await?;
    let (method, identity_provider_id, sso_required) = match options.method {
        LoginMethod::Password => (wire::LoginMethod::Password, String::new(), false),
        LoginMethod::Sso { provider, required } => (wire::LoginMethod::Sso, provider.to_string(), required),
    };
    Ok(Response::new(wire::GetLoginOptionsResponse {
        method: method.into(),
        identity_provider_id,
        registration_open: options.registration_open,
        guest_sessions: options.guest_sessions,
        password_policy: Some(render::password_policy(options.password_policy)),
        sso_required,
    }))
}
