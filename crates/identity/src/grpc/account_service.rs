//! `rolecall.identity.v1.AccountService`.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1::account_service_server::AccountService;
use rolecall_api::identity::v1::{
    ChangePasswordRequest, ChangePasswordResponse, GetAccountRequest, GetAccountResponse,
};
use rolecall_authz::{Scope, caller};
use rolecall_rpc::{call, detached};
use tonic::{Request, Response, Status};

use super::convert::Fields;
use super::{Grpc, answer, render};
use crate::app::fault::Fault;
use crate::app::{change_password, read_users};
use crate::domain::user::UserView;

fn changed(user: &UserView) -> ChangePasswordResponse {
    ChangePasswordResponse { user: Some(render::user(user)) }
}

#[tonic::async_trait]
impl AccountService for Grpc {
    async fn get_account(&self, request: Request<GetAccountRequest>) -> Result<Response<GetAccountResponse>, Status> {
        let caller = caller(&request)?;
        let user_id = caller.user().ok_or(Fault::Defect("a method about a person was called by none"))?;
        let user = read_users::get(&self.resources, user_id, &Scope::SelfOnly(caller.subject())).await?;
        Ok(Response::new(GetAccountResponse { user: Some(render::user(&user)) }))
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        let (deadline, caller, request) = (call::deadline(), caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let current = fields.password("current_password", &request.current_password);
        let (text, again, policy) =
            (&request.new_password, &request.new_password_confirmation, self.resources.password_policy);
        let new = fields.new_password("new_password", text, again, policy);
        let (current, new) = fields.finish(current.zip(new))?;
        let (user_id, session_id) =
            caller.user().zip(caller.session()).ok_or(Fault::Defect("a person's token without a session"))?;
        let encode = |user: &UserView| changed(user).encode_to_vec();
        let once = self.once(&caller, "AccountService/ChangePassword", request_id, &request, encode);
        let command = change_password::Command { user_id, session_id, current, new, deadline, once };
        let resources = Arc::clone(&self.resources);
        let done = detached::run(async move { Ok(change_password::run(&resources, &command).await?) }).await?;
        Ok(Response::new(answer(done, changed)?))
    }
}
