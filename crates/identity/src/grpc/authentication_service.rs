//! `rolecall.identity.v1.AuthenticationService`.

mod answer;
mod reauthenticate;

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
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
use super::{Grpc, render, second_factor};
use crate::app::exchange_api_key::{self, Owner, Shown};
use crate::app::{challenge, fault::Fault, log_in, log_out, refresh_tokens};
use crate::domain::{access_token, refresh, service_account};

#[tonic::async_trait]
impl AuthenticationService for Grpc {
    async fn log_in(&self, request: Request<LogInRequest>) -> Result<Response<LogInResponse>, Status> {
        let (deadline, request) = (call::deadline(), request.into_inner());
        let mut fields = Fields::default();
        let (email, password) = (fields.email(&request.email), fields.password("password", &request.password));
        let (email, password) = fields.finish(email.zip(password))?;
        let resources = Arc::clone(&self.resources);
        let command = log_in::Command { email, password, deadline };
        let outcome = detached::run(async move { Ok(log_in::run(&resources, command).await?) }).await?;
        let outcome = match &outcome {
            challenge::Outcome::Tokens(tokens) => Outcome::Tokens(render::tokens(tokens)),
            challenge::Outcome::Challenge(issued) => Outcome::Challenge(second_factor::challenge(issued)?),
        };
        Ok(Response::new(LogInResponse { outcome: Some(outcome) }))
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
        let text = request.into_inner().api_key;
        let key = OpaqueToken::parse(service_account::PREFIX, &text).map(Shown::ApiKey);
        let shown = key.or_else(|| OpaqueToken::parse(access_token::PREFIX, &text).map(Shown::AccessToken));
        let shown = shown.ok_or_else(|| refuse(ErrorReason::CredentialsRefused))?;
        let exchanged = exchange_api_key::run(&self.resources, &shown).await?;
        let (service_account_id, user_id) = match exchanged.owner {
            Owner::ServiceAccount(id) => (id.to_string(), String::new()),
            Owner::User(id) => (String::new(), id.to_string()),
        };
        Ok(Response::new(ExchangeApiKeyResponse {
            access_token: exchanged.access_token,
            access_token_expire_time: Some(render::time(exchanged.expires)),
            service_account_id,
            user_id,
        }))
    }

    async fn answer_challenge(
        &self,
        request: Request<wire::AnswerChallengeRequest>,
    ) -> Result<Response<wire::AnswerChallengeResponse>, Status> {
        answer::answer_challenge(self, request).await
    }

    async fn reauthenticate(
        &self,
        request: Request<wire::ReauthenticateRequest>,
    ) -> Result<Response<wire::ReauthenticateResponse>, Status> {
        reauthenticate::reauthenticate(self, request).await
    }
}
