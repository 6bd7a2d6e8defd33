//! The first call of a login, and the exchange of its tokens.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_authz::examiner;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::network::Network;
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::device::Shown;
use crate::app::{Resources, challenge, log_in, login_code, refresh_tokens};
use crate::domain::{device, refresh};
use crate::grpc::convert::Fields;
use crate::grpc::status::refuse;
use crate::grpc::{Grpc, render, second_factor};

pub(super) async fn log_in(
    grpc: &Grpc,
    request: Request<wire::LogInRequest>,
) -> Result<Response<wire::LogInResponse>, Status> {
    let (deadline, network) = (call::deadline(), request.extensions().get::<Network>().copied());
    let request = request.into_inner();
    let mut fields = Fields::default();
    let (email, password) = (fields.email(&request.email), fields.password("password", &request.password));
    let audience = audience(grpc, &mut fields, &request.audience);
    let (email, password) = fields.finish(email.zip(password))?;
    // What has not the form of a token is as unknown as any other.
    let shown = Shown {
        device: OpaqueToken::parse(device::PREFIX, &request.device_token),
        code: OpaqueToken::parse(device::CODE_PREFIX, &request.login_code),
    };
    let resources = Arc::clone(&grpc.resources);
    let command = log_in::Command { email, password, shown, network, enrolling: false, audience, deadline };
    let outcome = detached::run(async move {
        let done = log_in::run(&resources, &command).await;
        if matches!(done, Err(log_in::Error::CodeNeeded)) {
            mail_code(&resources, command.email);
        }
        Ok(done?)
    });
    let outcome = match &outcome.await? {
        challenge::Outcome::Tokens(tokens) => Outcome::Tokens(render::tokens(tokens)),
        challenge::Outcome::Challenge(issued) => Outcome::Challenge(second_factor::challenge(issued)?),
    };
    Ok(Response::new(wire::LogInResponse { outcome: Some(outcome) }))
}

/// Reads for whom the access tokens shall be; Rolecall itself is what nobody else is named for.
pub(super) fn audience(grpc: &Grpc, fields: &mut Fields, text: &str) -> Option<String> {
    let config = &grpc.resources.config;
    if text.is_empty() || text == config.audience {
        return None;
    }
    if !config.audiences.iter().any(|audience| audience == text) {
        fields.violate("audience", "AUDIENCE_UNKNOWN", "must be one of the backends that the server is configured for");
    }
    Some(text.to_owned())
}

fn mail_code(resources: &Arc<Resources>, email: EmailAddress) {
    if let Some(place) = resources.login_codes.enter() {
        let resources = Arc::clone(resources);
        detached::later(async move { login_code::run(&resources, place, &email).await });
    } else {
        tracing::warn!("more wait for a login code than can be served; one was forgotten");
    }
}

pub(super) async fn refresh_tokens(
    grpc: &Grpc,
    request: Request<wire::RefreshTokensRequest>,
) -> Result<Response<wire::RefreshTokensResponse>, Status> {
    let (examiner, request) = (examiner(&request)?, request.into_inner());
    let presented = OpaqueToken::parse(refresh::PREFIX, &request.refresh_token)
        .ok_or_else(|| refuse(wire::ErrorReason::RefreshTokenRefused))?;
    let audience = Some(request.audience).filter(|audience| !audience.is_empty());
    let resources = Arc::clone(&grpc.resources);
    let tokens =
        detached::run(
            async move { Ok(refresh_tokens::run(&resources, &examiner, &presented, audience.as_deref()).await?) },
        );
    Ok(Response::new(wire::RefreshTokensResponse { tokens: Some(render::tokens(&tokens.await?)) }))
}
