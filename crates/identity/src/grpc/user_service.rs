//! `rolecall.identity.v1.UserService`: one module a subject, one function a method.

mod create;
mod credentials;
mod delete;
mod factors;
mod invitations;
mod password_reset;
mod read;
mod sessions;
mod update;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::user_service_server::UserService;
use tonic::{Request, Response, Status};

use super::Grpc;

#[tonic::async_trait]
impl UserService for Grpc {
    async fn create_user(
        &self,
        request: Request<wire::CreateUserRequest>,
    ) -> Result<Response<wire::CreateUserResponse>, Status> {
        create::create_user(self, request).await
    }

    async fn get_user(
        &self,
        request: Request<wire::GetUserRequest>,
    ) -> Result<Response<wire::GetUserResponse>, Status> {
        read::get_user(self, request).await
    }

    async fn batch_get_users(
        &self,
        request: Request<wire::BatchGetUsersRequest>,
    ) -> Result<Response<wire::BatchGetUsersResponse>, Status> {
        read::batch_get_users(self, request).await
    }

    async fn list_users(
        &self,
        request: Request<wire::ListUsersRequest>,
    ) -> Result<Response<wire::ListUsersResponse>, Status> {
        read::list_users(self, request).await
    }

    async fn update_user(
        &self,
        request: Request<wire::UpdateUserRequest>,
    ) -> Result<Response<wire::UpdateUserResponse>, Status> {
        update::update_user(self, request).await
    }

    async fn delete_user(
        &self,
        request: Request<wire::DeleteUserRequest>,
    ) -> Result<Response<wire::DeleteUserResponse>, Status> {
        delete::delete_user(self, request).await
    }

    async fn resend_invitation(
        &self,
        request: Request<wire::ResendInvitationRequest>,
    ) -> Result<Response<wire::ResendInvitationResponse>, Status> {
        invitations::resend_invitation(self, request).await
    }

    async fn list_invitations(
        &self,
        request: Request<wire::ListInvitationsRequest>,
    ) -> Result<Response<wire::ListInvitationsResponse>, Status> {
        invitations::list_invitations(self, request).await
    }

    async fn revoke_invitation(
        &self,
        request: Request<wire::RevokeInvitationRequest>,
    ) -> Result<Response<wire::RevokeInvitationResponse>, Status> {
        invitations::revoke_invitation(self, request).await
    }

    async fn set_user_password(
        &self,
        request: Request<wire::SetUserPasswordRequest>,
    ) -> Result<Response<wire::SetUserPasswordResponse>, Status> {
        credentials::set_user_password(self, request).await
    }

    async fn issue_password_reset(
        &self,
        request: Request<wire::IssuePasswordResetRequest>,
    ) -> Result<Response<wire::IssuePasswordResetResponse>, Status> {
        password_reset::issue_password_reset(self, request).await
    }

    async fn reset_user_factors(
        &self,
        request: Request<wire::ResetUserFactorsRequest>,
    ) -> Result<Response<wire::ResetUserFactorsResponse>, Status> {
        factors::reset_user_factors(self, request).await
    }

    async fn list_user_sessions(
        &self,
        request: Request<wire::ListUserSessionsRequest>,
    ) -> Result<Response<wire::ListUserSessionsResponse>, Status> {
        sessions::list_user_sessions(self, request).await
    }

    async fn revoke_user_sessions(
        &self,
        request: Request<wire::RevokeUserSessionsRequest>,
    ) -> Result<Response<wire::RevokeUserSessionsResponse>, Status> {
        sessions::revoke_user_sessions(self, request).await
    }
}
