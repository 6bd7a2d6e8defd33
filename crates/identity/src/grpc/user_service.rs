//! `rolecall.identity.v1.UserService`.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1::user_service_server::UserService;
use rolecall_api::identity::v1::{
    CreateUserRequest, CreateUserResponse, GetUserRequest, GetUserResponse, ListUsersRequest, ListUsersResponse,
    ResendInvitationRequest, ResendInvitationResponse,
};
use rolecall_authz::{Caller, caller};
use rolecall_kernel::id::UserId;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::{Demand, Fields, Names};
use super::{Grpc, answer, render};
use crate::app::create_user::{self, Created};
use crate::app::{read_users, resend_invitation};
use crate::domain::invitation::Invitation;

const CREATE: &str = "identity.users.create";
const GET: &str = "identity.users.get";
const LIST: &str = "identity.users.list";

fn created(created: &Created) -> CreateUserResponse {
    match &created.invitation {
        None => CreateUserResponse { user: Some(render::user_without_id(&created.user)), invitation: None },
        Some(invitation) => CreateUserResponse {
            user: Some(render::user(&created.user)),
            invitation: Some(render::invitation(invitation)),
        },
    }
}

fn resent(invitation: &Invitation) -> ResendInvitationResponse {
    ResendInvitationResponse { invitation: Some(render::invitation(invitation)) }
}

impl Grpc {
    fn create_user_command(
        &self,
        caller: &Caller,
        request: &CreateUserRequest,
    ) -> Result<create_user::Command, Status> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let organization = fields.target_organization(caller, &request.organization_id);
        let email = fields.email(&request.email);
        let names = Names {
            name: &request.name,
            given_name: &request.given_name,
            family_name: &request.family_name,
            institution: &request.institution,
            website: &request.website,
        };
        let profile = fields.profile(&names, Demand::Parts);
        let roles = fields.roles(request.roles.clone());
        let (email, profile) = fields.finish(email.zip(profile))?;
        let encode = |done: &Created| created(done).encode_to_vec();
        Ok(create_user::Command {
            actor: caller.subject(),
            scope: caller.scope(CREATE),
            organization,
            email,
            profile,
            roles,
            validate_only: request.validate_only,
            once: self.once(caller, "UserService/CreateUser", request_id, request, encode),
        })
    }
}

#[tonic::async_trait]
impl UserService for Grpc {
    async fn create_user(&self, request: Request<CreateUserRequest>) -> Result<Response<CreateUserResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let command = self.create_user_command(&caller, &request)?;
        let resources = Arc::clone(&self.resources);
        let done = detached::run(async move { Ok(create_user::run(&resources, &command).await?) }).await?;
        Ok(Response::new(answer(done, created)?))
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<GetUserResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let user_id = fields.id("user_id", &request.user_id, UserId::parse);
        let user_id = fields.finish(user_id)?;
        let user = read_users::get(&self.resources, user_id, &caller.scope(GET)).await?;
        Ok(Response::new(GetUserResponse { user: Some(render::user(&user)) }))
    }

    async fn list_users(&self, request: Request<ListUsersRequest>) -> Result<Response<ListUsersResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
        let organization = fields.listed_organization(&caller, &request.organization_id);
        let size = fields.page_size(request.page_size);
        let binding = ["UserService/ListUsers", &subject, &request.organization_id];
        let after = self.position(&mut fields, &binding, &request.page_token, UserId::from_uuid);
        let size = fields.finish(size)?;
        let command = read_users::List { scope: caller.scope(LIST), organization, after, size };
        let page = read_users::list(&self.resources, &command).await?;
        let next_page_token = self.next_page(&binding, &page, |view| view.user.user_id.as_uuid());
        Ok(Response::new(ListUsersResponse { users: page.items.iter().map(render::user).collect(), next_page_token }))
    }

    async fn resend_invitation(
        &self,
        request: Request<ResendInvitationRequest>,
    ) -> Result<Response<ResendInvitationResponse>, Status> {
        let (caller, request) = (caller(&request)?, request.into_inner());
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let user_id = fields.id("user_id", &request.user_id, UserId::parse);
        let user_id = fields.finish(user_id)?;
        let encode = |done: &Invitation| resent(done).encode_to_vec();
        let once = self.once(&caller, "UserService/ResendInvitation", request_id, &request, encode);
        let (actor, scope) = (caller.subject(), caller.scope(CREATE));
        let command = resend_invitation::Command { actor, scope, user_id, once };
        let resources = Arc::clone(&self.resources);
        let done = detached::run(async move { Ok(resend_invitation::run(&resources, &command).await?) }).await?;
        Ok(Response::new(answer(done, resent)?))
    }
}
