//! Lists, repeats and ends invitations.

use std::sync::Arc;

use prost::Message as _;
use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::{InvitationId, UserId};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::invite::Invited;
use crate::app::{list_invitations, resend_invitation, revoke_invitation};
use crate::grpc::convert::{self, Fields};
use crate::grpc::{Grpc, answer, render};

const CREATE: &str = "identity.users.create";

fn resent(invited: &Invited) -> wire::ResendInvitationResponse {
    let (invitation, invitation_code) = render::invited(Some(invited));
    wire::ResendInvitationResponse { invitation, invitation_code }
}

/// An answer without content is stored as nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "answers are encoded from references")]
fn nothing((): &()) -> Vec<u8> {
    Vec::new()
}

pub(super) async fn resend_invitation(
    grpc: &Grpc,
    request: Request<wire::ResendInvitationRequest>,
) -> Result<Response<wire::ResendInvitationResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let user_id = fields.finish(user_id)?;
    // Stored without the code, which is shown only once.
    let encode = |done: &Invited| resent(&done.without_code()).encode_to_vec();
    let once = grpc.once(&caller, "UserService/ResendInvitation", request_id, &request, encode);
    let (actor, scope, delivery) =
        (caller.subject(), caller.scope(CREATE), convert::delivery(&caller, request.delivery));
    let command = resend_invitation::Command { actor, scope, user_id, delivery, once };
    let resources = Arc::clone(&grpc.resources);
    let done = detached::run(async move { Ok(resend_invitation::run(&resources, &command).await?) }).await?;
    Ok(Response::new(answer(done, resent)?))
}

pub(super) async fn list_invitations(
    grpc: &Grpc,
    request: Request<wire::ListInvitationsRequest>,
) -> Result<Response<wire::ListInvitationsResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let (subject, mut fields) = (caller.subject().to_string(), Fields::default());
    let organization = fields.listed_organization(&caller, &request.organization_id);
    let size = fields.page_size(request.page_size);
    let binding = ["UserService/ListInvitations", &subject, &request.organization_id];
    let after = grpc.position(&mut fields, &binding, &request.page_token, InvitationId::from_uuid);
    let size = fields.finish(size)?;
    let command = list_invitations::Command { scope: caller.scope(CREATE), organization, after, size };
    let page = list_invitations::run(&grpc.resources, &command).await?;
    let next_page_token = grpc.next_page(&binding, &page, |view| view.invitation.invitation_id.as_uuid());
    let invitations = page.items.iter().map(render::invitation).collect();
    Ok(Response::new(wire::ListInvitationsResponse { invitations, next_page_token }))
}

pub(super) async fn revoke_invitation(
    grpc: &Grpc,
    request: Request<wire::RevokeInvitationRequest>,
) -> Result<Response<wire::RevokeInvitationResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let invitation_id = fields.id("invitation_id", &request.invitation_id, InvitationId::parse);
    let invitation_id = fields.finish(invitation_id)?;
    let once = grpc.once(&caller, "UserService/RevokeInvitation", request_id, &request, nothing);
    let (actor, scope) = (caller.subject(), caller.scope(CREATE));
    let command = revoke_invitation::Command { actor, scope, invitation_id, once };
    let resources = Arc::clone(&grpc.resources);
    detached::run(async move { Ok(revoke_invitation::run(&resources, &command).await?) }).await?;
    Ok(Response::new(wire::RevokeInvitationResponse {}))
}
