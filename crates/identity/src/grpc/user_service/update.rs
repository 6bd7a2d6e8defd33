//! Changes accounts.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::{Caller, caller};
use rolecall_kernel::id::UserId;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::taken_addresses;
use crate::app::update_user::{self, Rights};
use crate::domain::user::UserView;
use crate::grpc::convert::Fields;
use crate::grpc::mask::Field;
use crate::grpc::{Grpc, answer, render, user_fields};

const UPDATE: &str = "identity.users.update";
const SET_EMAIL: &str = "identity.users.set_email";
const ASSIGN_ROLES: &str = "organization.members.assign_roles";

fn updated(user: &UserView) -> wire::UpdateUserResponse {
    wire::UpdateUserResponse { user: Some(render::user(user)) }
}

fn command(grpc: &Grpc, caller: &Caller, request: &wire::UpdateUserRequest) -> Result<update_user::Command, Status> {
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    if request.user.is_none() {
        fields.violate("user", "REQUIRED", "is required");
    }
    let user = request.user.as_ref();
    let given = user.map(|user| {
        let email = Field::Changeable { populated: !user.email.is_empty() };
        let roles = Field::Changeable { populated: !user.roles.is_empty() };
        let user_id = fields.id("user.user_id", &user.user_id, UserId::parse);
        let mask = fields.mask(request.update_mask.as_ref(), &user_fields::fields(user, email, roles));
        user_id.zip(Some(fields.change(&mask, user)))
    });
    let (user_id, change) = fields.finish(given.flatten())?;
    let encode = |user: &UserView| updated(user).encode_to_vec();
    Ok(update_user::Command {
        actor: caller.subject(),
        proved: caller.auth_time(),
        rights: Rights {
            update: caller.scope(UPDATE),
            set_email: caller.scope(SET_EMAIL),
            assign_roles: caller.scope(ASSIGN_ROLES),
        },
        user_id,
        etag: user.and_then(user_fields::etag),
        change,
        validate_only: request.validate_only,
        once: grpc.once(caller, "UserService/UpdateUser", request_id, request, encode),
    })
}

pub(super) async fn update_user(
    grpc: &Grpc,
    request: Request<wire::UpdateUserRequest>,
) -> Result<Response<wire::UpdateUserResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let command = command(grpc, &caller, &request)?;
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move {
        let work = update_user::run(&resources, &command);
        if command.change.email.is_none() {
            return Ok(work.await?);
        }
        let is_taken = |error: &update_user::Error| matches!(error, update_user::Error::EmailTaken);
        Ok(taken_addresses::limit(&resources, command.actor, command.validate_only, work, is_taken).await?)
    })
    .await?;
    Ok(Response::new(answer(done, updated)?))
}
