//! Acting as somebody else.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1 as wire;
use rolecall_api::identity::v1::impersonate_user_request::Target as Wire;
use rolecall_authz::policy::STEP_UP_MAX_AGE;
use rolecall_authz::{Caller, IMPERSONATE, LEEWAY, Refusal, caller};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::Reason;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::impersonate_user::{self, Command, Target};
use crate::domain::impersonation;
use crate::domain::session::Acting;
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, render};

pub(super) async fn impersonate_user(
    grpc: &Grpc,
    request: Request<wire::ImpersonateUserRequest>,
) -> Result<Response<wire::ImpersonateUserResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let command = command(grpc, &caller, &request)?;
    let resources = Arc::clone(&grpc.resources);
    let begun = detached::run(async move { Ok(impersonate_user::run(&resources, &command).await?) }).await?;
    Ok(Response::new(wire::ImpersonateUserResponse {
        access_token: begun.access_token,
        access_token_expire_time: Some(render::time(begun.expires)),
        session_id: begun.session_id.to_string(),
        subject_id: begun.subject.to_string(),
    }))
}

fn command(grpc: &Grpc, caller: &Caller, request: &wire::ImpersonateUserRequest) -> Result<Command, Status> {
    // A program of a person does not show that its person is there.
    if caller.is_personal_token() {
        return Err(Refusal::CallerKindRefused("users that logged in").into_status(None));
    }
    let (actor, session_id) =
        caller.user().zip(caller.session()).ok_or(Fault::Defect("a person's token without a session"))?;
    let mut fields = Fields::default();
    let target = target(&mut fields, caller, request.target.as_ref());
    let reason = fields.line("reason", &request.reason, Reason::parse);
    let lifetime = lifetime(&mut fields, request.lifetime);
    let ((target, reason), lifetime) = fields.finish(target.zip(reason).zip(lifetime))?;
    // Last, so that nobody proves who it is for a request that is refused anyway.
    if request.read_write && grpc.resources.now() >= caller.auth_time().plus(STEP_UP_MAX_AGE + LEEWAY) {
        return Err(Refusal::StepUpRequired.into_status(None));
    }
    let acting = Acting { actor, session_id, read_only: !request.read_write };
    Ok(Command { acting, scope: caller.scope(IMPERSONATE), target, reason, lifetime })
}

fn target(fields: &mut Fields, caller: &Caller, target: Option<&Wire>) -> Option<Target> {
    match target {
        None => {
            fields.violate("target", "REQUIRED", "must be user_id or guest_of_organization_id");
            None
        }
        Some(Wire::UserId(text)) => fields.id("user_id", text, UserId::parse).map(Target::User),
        Some(Wire::GuestOfOrganizationId(text)) if text.is_empty() => caller.organization().map(Target::GuestOf),
        Some(Wire::GuestOfOrganizationId(text)) => {
            fields.id("guest_of_organization_id", text, OrganizationId::parse).map(Target::GuestOf)
        }
    }
}

fn lifetime(fields: &mut Fields, wish: Option<prost_types::Duration>) -> Option<Duration> {
    let wish = wish.map(|wish| Duration::try_from(wish).unwrap_or(Duration::ZERO));
    let lifetime = impersonation::lifetime(wish);
    if lifetime.is_none() {
        fields.violate("lifetime", "LIFETIME_OUT_OF_RANGE", "must lie between 60s and 1800s");
    }
    lifetime
}
