//! `rolecall.identity.v1.RegistrationService`.

mod register;
mod verify_email;

use std::sync::Arc;

use rolecall_api::identity::v1::registration_service_server::RegistrationService;
use rolecall_api::identity::v1::{
    AcceptInvitationRequest, AcceptInvitationResponse, ErrorReason, GetInvitationRequest, GetInvitationResponse,
    GetRegistrationRequest, GetRegistrationResponse, RegisterRequest, RegisterResponse, ResendEmailVerificationRequest,
    ResendEmailVerificationResponse, VerifyEmailRequest, VerifyEmailResponse,
};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use super::convert::Fields;
use super::status::refuse;
use super::{Grpc, render};
use crate::app::{accept_invitation, get_invitation};
use crate::domain::invitation;

/// What has not the form of a code is as unknown as any other.
fn code(text: &str) -> Result<OpaqueToken, Status> {
    OpaqueToken::parse(invitation::PREFIX, text).ok_or_else(|| refuse(ErrorReason::InvitationNotFound))
}

#[tonic::async_trait]
impl RegistrationService for Grpc {
    async fn register(&self, request: Request<RegisterRequest>) -> Result<Response<RegisterResponse>, Status> {
        register::register(self, request).await
    }

    async fn get_registration(
        &self,
        request: Request<GetRegistrationRequest>,
    ) -> Result<Response<GetRegistrationResponse>, Status> {
        verify_email::look(self, request).await
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        verify_email::verify(self, request).await
    }

    async fn resend_email_verification(
        &self,
        request: Request<ResendEmailVerificationRequest>,
    ) -> Result<Response<ResendEmailVerificationResponse>, Status> {
        register::resend(self, request)
    }

    async fn get_invitation(
        &self,
        request: Request<GetInvitationRequest>,
    ) -> Result<Response<GetInvitationResponse>, Status> {
        let shown = get_invitation::run(&self.resources, &code(&request.into_inner().code)?).await?;
        Ok(Response::new(GetInvitationResponse {
            organization_name: shown.organization_name,
            inviter_name: shown.inviter_name,
            email: shown.user.email.as_str().to_owned(),
            name: shown.user.profile.name.as_str().to_owned(),
            roles: shown.roles,
            expire_time: Some(render::time(shown.expires)),
            password_policy: Some(render::password_policy(shown.password_policy)),
        }))
    }

    async fn accept_invitation(
        &self,
        request: Request<AcceptInvitationRequest>,
    ) -> Result<Response<AcceptInvitationResponse>, Status> {
        let (deadline, request) = (call::deadline(), request.into_inner());
        let mut fields = Fields::default();
        let policy = self.resources.password_policy;
        let password = fields.new_password("password", &request.password, &request.password_confirmation, policy);
        if request.code.is_empty() {
            fields.violate("code", "REQUIRED", "is required");
        }
        let password = fields.finish(password)?;
        let command = accept_invitation::Command { code: code(&request.code)?, password, deadline };
        let resources = Arc::clone(&self.resources);
        let user = detached::run(async move { Ok(accept_invitation::run(&resources, command).await?) }).await?;
        Ok(Response::new(AcceptInvitationResponse { user: Some(render::user(&user)) }))
    }
}
