//! `rolecall.identity.v1.AccountService`: one module a subject, one function a method.

mod access_tokens;
mod email;
mod factors;
mod links;
mod password;
mod profile;
mod sessions;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::account_service_server::AccountService;
use tonic::{Request, Response, Status};

use super::Grpc;

#[tonic::async_trait]
impl AccountService for Grpc {
    async fn get_account(
        &self,
        request: Request<wire::GetAccountRequest>,
    ) -> Result<Response<wire::GetAccountResponse>, Status> {
        profile::get_account(self, request).await
    }

    async fn update_account(
        &self,
        request: Request<wire::UpdateAccountRequest>,
    ) -> Result<Response<wire::UpdateAccountResponse>, Status> {
        profile::update_account(self, request).await
    }

    async fn change_password(
        &self,
        request: Request<wire::ChangePasswordRequest>,
    ) -> Result<Response<wire::ChangePasswordResponse>, Status> {
        password::change_password(self, request).await
    }

    async fn request_password_reset(
        &self,
        request: Request<wire::RequestPasswordResetRequest>,
    ) -> Result<Response<wire::RequestPasswordResetResponse>, Status> {
        password::request_password_reset(self, request)
    }

    async fn reset_password(
        &self,
        request: Request<wire::ResetPasswordRequest>,
    ) -> Result<Response<wire::ResetPasswordResponse>, Status> {
        password::reset_password(self, request).await
    }

    async fn change_email(
        &self,
        request: Request<wire::ChangeEmailRequest>,
    ) -> Result<Response<wire::ChangeEmailResponse>, Status> {
        email::change_email(self, request).await
    }

    async fn confirm_email_change(
        &self,
        request: Request<wire::ConfirmEmailChangeRequest>,
    ) -> Result<Response<wire::ConfirmEmailChangeResponse>, Status> {
        email::confirm_email_change(self, request).await
    }

    async fn list_sessions(
        &self,
        request: Request<wire::ListSessionsRequest>,
    ) -> Result<Response<wire::ListSessionsResponse>, Status> {
        sessions::list_sessions(self, request).await
    }

    async fn revoke_sessions(
        &self,
        request: Request<wire::RevokeSessionsRequest>,
    ) -> Result<Response<wire::RevokeSessionsResponse>, Status> {
        sessions::revoke_sessions(self, request).await
    }

    async fn list_factors(
        &self,
        request: Request<wire::ListFactorsRequest>,
    ) -> Result<Response<wire::ListFactorsResponse>, Status> {
        factors::list_factors(self, request).await
    }

    async fn enroll_totp(
        &self,
        request: Request<wire::EnrollTotpRequest>,
    ) -> Result<Response<wire::EnrollTotpResponse>, Status> {
        factors::enroll_totp(self, request).await
    }

    async fn confirm_totp(
        &self,
        request: Request<wire::ConfirmTotpRequest>,
    ) -> Result<Response<wire::ConfirmTotpResponse>, Status> {
        factors::confirm_totp(self, request).await
    }

    async fn remove_factor(
        &self,
        request: Request<wire::RemoveFactorRequest>,
    ) -> Result<Response<wire::RemoveFactorResponse>, Status> {
        factors::remove_factor(self, request).await
    }

    async fn regenerate_recovery_codes(
        &self,
        request: Request<wire::RegenerateRecoveryCodesRequest>,
    ) -> Result<Response<wire::RegenerateRecoveryCodesResponse>, Status> {
        factors::regenerate_recovery_codes(self, request).await
    }

    async fn create_access_token(
        &self,
        request: Request<wire::CreateAccessTokenRequest>,
    ) -> Result<Response<wire::CreateAccessTokenResponse>, Status> {
        access_tokens::create_access_token(self, request).await
    }

    async fn list_access_tokens(
        &self,
        request: Request<wire::ListAccessTokensRequest>,
    ) -> Result<Response<wire::ListAccessTokensResponse>, Status> {
        access_tokens::list_access_tokens(self, request).await
    }

    async fn revoke_access_token(
        &self,
        request: Request<wire::RevokeAccessTokenRequest>,
    ) -> Result<Response<wire::RevokeAccessTokenResponse>, Status> {
        access_tokens::revoke_access_token(self, request).await
    }

    async fn list_linked_identities(
        &self,
        request: Request<wire::ListLinkedIdentitiesRequest>,
    ) -> Result<Response<wire::ListLinkedIdentitiesResponse>, Status> {
        links::list(self, request).await
    }

    async fn link_identity(
        &self,
        request: Request<wire::LinkIdentityRequest>,
    ) -> Result<Response<wire::LinkIdentityResponse>, Status> {
        links::link(self, request).await
    }

    async fn unlink_identity(
        &self,
        request: Request<wire::UnlinkIdentityRequest>,
    ) -> Result<Response<wire::UnlinkIdentityResponse>, Status> {
        links::unlink(self, request).await
    }
}
