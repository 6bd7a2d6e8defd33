//! Reads and changes the own profile.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::{Caller, Scope, caller};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::read_users;
use crate::app::update_user::{self, Rights};
use crate::domain::user::UserView;
use crate::grpc::convert::Fields;
use crate::grpc::mask::Field;
use crate::grpc::status::violation;
use crate::grpc::{Grpc, answer, render, user_fields};

pub(super) async fn get_account(
    grpc: &Grpc,
    request: Request<wire::GetAccountRequest>,
) -> Result<Response<wire::GetAccountResponse>, Status> {
    let caller = caller(&request)?;
    let user_id = caller.user().ok_or(Fault::Defect("a method about a person was called by none"))?;
    let user = read_users::get(&grpc.resources, user_id, &Scope::SelfOnly(caller.subject())).await?;
    Ok(Response::new(wire::GetAccountResponse { user: Some(render::user(&user)) }))
}

fn updated(user: &UserView) -> wire::UpdateAccountResponse {
    wire::UpdateAccountResponse { user: Some(render::user(user)) }
}

fn command(grpc: &Grpc, caller: &Caller, request: &wire::UpdateAccountRequest) -> Result<update_user::Command, Status> {
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    if request.user.is_none() {
        fields.violate("user", "REQUIRED", "is required");
    }
    let user = request.user.as_ref();
    let change = user.map(|user| {
        let email = Field::Elsewhere { populated: !user.email.is_empty(), method: "ChangeEmail" };
        let mask = fields.mask(request.update_mask.as_ref(), &user_fields::fields(user, email, Field::OutputOnly));
        fields.change(&mask, user)
    });
    let change = fields.finish(change)?;
    let own = Scope::SelfOnly(caller.subject());
    let encode = |user: &UserView| updated(user).encode_to_vec();
    Ok(update_user::Command {
        actor: caller.subject(),
        proved: caller.auth_time(),
        rights: Rights { update: own.clone(), set_email: own, assign_roles: Scope::Nothing },
        user_id: caller.user().ok_or(Fault::Defect("a method about a person was called by none"))?,
        etag: user.and_then(user_fields::etag),
        change,
        validate_only: false,
        once: grpc.once(caller, "AccountService/UpdateAccount", request_id, request, encode),
    })
}

pub(super) async fn update_account(
    grpc: &Grpc,
    request: Request<wire::UpdateAccountRequest>,
) -> Result<Response<wire::UpdateAccountResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let command = command(grpc, &caller, &request)?;
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { update_user::run(&resources, &command).await.map_err(refusal) }).await?;
    Ok(Response::new(answer(done, updated)?))
}

/// The own address is the one thing that a person refuses itself here.
fn refusal(error: update_user::Error) -> Status {
    if matches!(error, update_user::Error::SelfRefused) {
        let problem = "must be the current address or empty: use ChangeEmail";
        return violation("user.email", "CHANGED_ELSEWHERE", problem);
    }
    error.into()
}
