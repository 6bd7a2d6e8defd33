//! Looks at registrations, and makes accounts of them.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::verify_email_request::Credential;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use crate::app::verify_email::Proof;
use crate::app::{get_registration, verify_email};
use crate::domain::password::PasswordPolicy;
use crate::domain::registration::PREFIX;
use crate::grpc::convert::Fields;
use crate::grpc::status::refuse;
use crate::grpc::{Grpc, render};

/// What has not the form of a code is as unknown as any other.
fn code(text: &str) -> Result<OpaqueToken, Status> {
    OpaqueToken::parse(PREFIX, text).ok_or_else(|| refuse(wire::ErrorReason::CodeNotFound))
}

pub(super) async fn look(
    grpc: &Grpc,
    request: Request<wire::GetRegistrationRequest>,
) -> Result<Response<wire::GetRegistrationResponse>, Status> {
    let shown = get_registration::run(&grpc.resources, &code(&request.into_inner().code)?).await?;
    Ok(Response::new(wire::GetRegistrationResponse {
        organization_name: shown.organization_name,
        email: shown.registration.email.as_str().to_owned(),
        name: shown.registration.profile.name.as_str().to_owned(),
        expire_time: Some(render::time(shown.registration.expires)),
        password_policy: Some(render::password_policy(shown.password_policy)),
        replaces_account: shown.replaces_account,
    }))
}

pub(super) async fn verify(
    grpc: &Grpc,
    request: Request<wire::VerifyEmailRequest>,
) -> Result<Response<wire::VerifyEmailResponse>, Status> {
    let (deadline, request) = (call::deadline(), request.into_inner());
    let mut fields = Fields::default();
    let proof = proof(&mut fields, request.credential, grpc.resources.password_policy);
    if request.code.is_empty() {
        fields.violate("code", "REQUIRED", "is required");
    }
    let proof = fields.finish(proof)?;
    let command = verify_email::Command { code: code(&request.code)?, proof, deadline };
    let resources = Arc::clone(&grpc.resources);
    let user = detached::run(async move { Ok(verify_email::run(&resources, command).await?) }).await?;
    Ok(Response::new(wire::VerifyEmailResponse { user: Some(render::user(&user)) }))
}

fn proof(fields: &mut Fields, credential: Option<Credential>, policy: PasswordPolicy) -> Option<Proof> {
    match credential {
        Some(Credential::Password(text)) => fields.password("password", &text).map(Proof::Registered),
        Some(Credential::NewPassword(new)) => {
            let (text, again) = (&new.password, &new.password_confirmation);
            fields.new_password("new_password.password", text, again, policy).map(Proof::New)
        }
        None => {
            fields.violate("credential", "REQUIRED", "must be password or new_password");
            None
        }
    }
}
