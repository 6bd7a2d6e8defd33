//! `rolecall.identity.v1.AuthenticationService`.

use std::sync::Arc;

use rolecall_api::identity::v1::authentication_service_server::AuthenticationService;
use rolecall_api::identity::v1::log_in_response::Outcome;
use rolecall_api::identity::v1::{
    ErrorReason, ExchangeApiKeyRequest, ExchangeApiKeyResponse, LogInRequest, LogInResponse, LogOutRequest,
    LogOutResponse, RefreshTokensRequest, RefreshTokensResponse,
};
use rolecall_authz::caller;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use super::convert::Fields;
use super::status::refuse;
use super::{Grpc, render};
use crate::app::{exchange_api_key, fault::Fault, log_in, log_out, refresh_tokens};
use crate::domain::{refresh, service_account};

#[tonic::async_trait]
impl AuthenticationService for Grpc {
    async fn log_in(&self, request: Request<LogInRequest>) -> Result<Response<LogInResponse>, Status> {
        let (deadline, request) = (call::deadline(), request.into_inner());
        let mut fields = Fields::default();
        let (email, password) = (fields.email(&request.email), fields.password("password", &request.password));
        let (email, password) = fields.finish(email.zip(password))?;
        let resources = Arc::clone(&self.resources);
        let command = log_in::Command { email, password, deadline };
        let tokens = detached::run(async move { Ok(log_in::run(&resources, command).await?) }).await?;
        Ok(Response::new(LogInResponse { outcome: Some(Outcome::Tokens(render::tokens(&tokens))) }))
    }

    async fn refresh_tokens(
        &self,
        request: Request<RefreshTokensRequest>,
    ) -> Result<Response<RefreshTokensResponse>, Status> {
        let presented = OpaqueToken::parse(refresh::PREFIX, &request.into_inner().refresh_token)
            .ok_or_else(|| refuse(ErrorReason::RefreshTokenRefused))?;
        let resources = Arc::clone(&self.resources);
        let tokens = detached::run(async move { Ok(refresh_tokens::run(&resources, &presented).await?) }).await?;
        Ok(Response::new(RefreshTokensResponse { tokens: Some(render::tokens(&tokens)) }))
    }

    async fn log_out(&self, request: Request<LogOutRequest>) -> Result<Response<LogOutResponse>, Status> {
        let caller = caller(&request)?;
        let (user_id, session_id) =
            caller.user().zip(caller.session()).ok_or(Fault::Defect("a person's token without a session"))?;
        let resources = Arc::clone(&self.resources);
        detached::run(async move { Ok(log_out::run(&resources, user_id, session_id).await?) }).await?;
        Ok(Response::new(LogOutResponse {}))
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let key = OpaqueToken::parse(service_account::PREFIX, &request.into_inner().api_key)
            .ok_or_else(|| refuse(ErrorReason::CredentialsRefused))?;
        let exchanged = exchange_api_key::run(&self.resources, &key).await?;
        Ok(Response::new(ExchangeApiKeyResponse {
            access_token: exchanged.access_token,
            access_token_expire_time: Some(render::time(exchanged.expires)),
            service_account_id: exchanged.service_account_id.to_string(),
        }))
    }
}
