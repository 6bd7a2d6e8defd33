//! `rolecall.identity.v1.AuthenticationService`.

mod answer;
mod guests;
mod impersonate;
mod log_in;
mod reauthenticate;
mod sso;

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::authentication_service_server::AuthenticationService;
use rolecall_api::identity::v1::{
    ErrorReason, ExchangeApiKeyRequest, ExchangeApiKeyResponse, LogInRequest, LogInResponse, LogOutRequest,
    LogOutResponse, RefreshTokensRequest, RefreshTokensResponse,
};
use rolecall_authz::{CallerKind, caller};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::status::{refuse, violation};
use super::{Grpc, render};
use crate::app::exchange_api_key::{self, Owner, Shown};
use crate::app::{fault::Fault, log_out, log_out_guest};
use crate::domain::{access_token, service_account};

/// Reads what is shown by its form.
fn shown(request: ExchangeApiKeyRequest) -> Result<Shown, Status> {
    match (request.api_key.as_str(), request.assertion.as_str()) {
        (text, "") => {
            let key = OpaqueToken::parse(service_account::PREFIX, text).map(Shown::ApiKey);
            let shown = key.or_else(|| OpaqueToken::parse(access_token::PREFIX, text).map(Shown::AccessToken));
            shown.ok_or_else(|| refuse(ErrorReason::CredentialsRefused))
        }
        ("", _) => Ok(Shown::Assertion(request.assertion)),
        _ => Err(violation("assertion", "TOO_MANY", "must be left out beside `api_key`")),
    }
}

#[tonic::async_trait]
impl AuthenticationService for Grpc {
    async fn log_in(&self, request: Request<LogInRequest>) -> Result<Response<LogInResponse>, Status> {
        log_in::log_in(self, request).await
    }

    async fn refresh_tokens(
        &self,
        request: Request<RefreshTokensRequest>,
    ) -> Result<Response<RefreshTokensResponse>, Status> {
        log_in::refresh_tokens(self, request).await
    }

    async fn log_out(&self, request: Request<LogOutRequest>) -> Result<Response<LogOutResponse>, Status> {
        let caller = caller(&request)?;
        let resources = Arc::clone(&self.resources);
        if caller.kind() == CallerKind::Guest {
            let guest = caller.subject();
            detached::run(async move { Ok(log_out_guest::run(&resources, guest).await?) }).await?;
            return Ok(Response::new(LogOutResponse {}));
        }
        let (user_id, session_id) =
            caller.user().zip(caller.session()).ok_or(Fault::Defect("a person's token without a session"))?;
        detached::run(async move { Ok(log_out::run(&resources, user_id, session_id).await?) }).await?;
        Ok(Response::new(LogOutResponse {}))
    }

    async fn exchange_api_key(
        &self,
        request: Request<ExchangeApiKeyRequest>,
    ) -> Result<Response<ExchangeApiKeyResponse>, Status> {
        let shown = shown(request.into_inner())?;
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

    async fn log_in_as_guest(
        &self,
        request: Request<wire::LogInAsGuestRequest>,
    ) -> Result<Response<wire::LogInAsGuestResponse>, Status> {
        guests::log_in_as_guest(self, request).await
    }

    async fn get_login_options(
        &self,
        request: Request<wire::GetLoginOptionsRequest>,
    ) -> Result<Response<wire::GetLoginOptionsResponse>, Status> {
        guests::get_login_options(self, request).await
    }

    async fn impersonate_user(
        &self,
        request: Request<wire::ImpersonateUserRequest>,
    ) -> Result<Response<wire::ImpersonateUserResponse>, Status> {
        impersonate::impersonate_user(self, request).await
    }

    async fn reauthenticate(
        &self,
        request: Request<wire::ReauthenticateRequest>,
    ) -> Result<Response<wire::ReauthenticateResponse>, Status> {
        reauthenticate::reauthenticate(self, request).await
    }

    async fn begin_sso_login(
        &self,
        request: Request<wire::BeginSsoLoginRequest>,
    ) -> Result<Response<wire::BeginSsoLoginResponse>, Status> {
        sso::begin(self, request).await
    }

    async fn complete_sso_login(
        &self,
        request: Request<wire::CompleteSsoLoginRequest>,
    ) -> Result<Response<wire::CompleteSsoLoginResponse>, Status> {
        sso::complete(self, request).await
    }
}
