//! Takes registrations, and asks for their mails once more.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_kernel::id::{OrganizationId, RegistrationId};
use rolecall_kernel::network::Network;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::{register, resend_verification};
use crate::grpc::convert::{Demand, Fields, Names};
use crate::grpc::{Grpc, render};

pub(super) async fn register(
    grpc: &Grpc,
    request: Request<wire::RegisterRequest>,
) -> Result<Response<wire::RegisterResponse>, Status> {
    let network = request.extensions().get::<Network>().copied();
    let command = command(grpc, &request.into_inner(), network)?;
    let resources = Arc::clone(&grpc.resources);
    let registered = detached::run(async move { Ok(register::run(&resources, command).await?) }).await?;
    Ok(Response::new(wire::RegisterResponse {
        registration_id: registered.registration_id.to_string(),
        expire_time: Some(render::time(registered.expires)),
    }))
}

fn command(
    grpc: &Grpc,
    request: &wire::RegisterRequest,
    network: Option<Network>,
) -> Result<register::Command, Status> {
    let mut fields = Fields::default();
    let organization = (!request.organization_id.is_empty())
        .then(|| fields.id("organization_id", &request.organization_id, OrganizationId::parse))
        .flatten();
    let email = fields.email(&request.email);
    let names = Names {
        name: &request.name,
        given_name: &request.given_name,
        family_name: &request.family_name,
        institution: &request.institution,
        website: &request.website,
    };
    let profile = fields.profile(&names, Demand::Name);
    let (text, again, policy) = (&request.password, &request.password_confirmation, grpc.resources.password_policy);
    let password = fields.confirmed_password("password", text, again, policy);
    let ((email, profile), password) = fields.finish(email.zip(profile).zip(password))?;
    Ok(register::Command { organization, email, profile, password, network, deadline: call::deadline() })
}

pub(super) fn resend(
    grpc: &Grpc,
    request: Request<wire::ResendEmailVerificationRequest>,
) -> Result<Response<wire::ResendEmailVerificationResponse>, Status> {
    let (mut fields, request) = (Fields::default(), request.into_inner());
    let registration_id = (!request.registration_id.is_empty())
        .then(|| fields.id("registration_id", &request.registration_id, RegistrationId::parse))
        .flatten();
    let email = fields.email(&request.email);
    let command = resend_verification::Command { registration_id, email: fields.finish(email)? };
    if let Some(place) = grpc.resources.resets.enter() {
        let resources = Arc::clone(&grpc.resources);
        detached::later(async move { resend_verification::run(&resources, place, &command).await });
    } else {
        // The same answer: nobody is told how many others ask.
        tracing::warn!("more ask for mails than can be served; one was forgotten");
    }
    Ok(Response::new(wire::ResendEmailVerificationResponse {}))
}
