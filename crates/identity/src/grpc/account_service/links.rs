//! The identity providers that know a person.

use std::sync::Arc;

use rolecall_api::identity::v1 as wire;
use rolecall_authz::caller;
use rolecall_kernel::id::{IdentityProviderId, LinkedIdentityId};
use rolecall_kernel::network::Network;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use crate::app::fault::Fault;
use crate::app::sso::begin::{self, Target};
use crate::app::sso::links;
use crate::domain::sso::LinkedIdentity;
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, render};

const NO_PERSON: Fault = Fault::Defect("a person's token without a person or session");

fn shown(link: &LinkedIdentity) -> wire::LinkedIdentity {
    wire::LinkedIdentity {
        linked_identity_id: link.linked_identity_id.to_string(),
        identity_provider_id: link.identity_provider_id.to_string(),
        issuer: link.issuer.clone(),
        subject: link.subject.clone(),
        create_time: Some(render::time(link.created)),
    }
}

pub(super) async fn list(
    grpc: &Grpc,
    request: Request<wire::ListLinkedIdentitiesRequest>,
) -> Result<Response<wire::ListLinkedIdentitiesResponse>, Status> {
    let user_id = caller(&request)?.user().ok_or(NO_PERSON)?;
    let links = links::list(&grpc.resources, user_id).await?;
    let linked_identities = links.iter().map(shown).collect();
    Ok(Response::new(wire::ListLinkedIdentitiesResponse { linked_identities }))
}

pub(super) async fn link(
    grpc: &Grpc,
    request: Request<wire::LinkIdentityRequest>,
) -> Result<Response<wire::LinkIdentityResponse>, Status> {
    let network = request.extensions().get::<Network>().copied();
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let id = fields.id("identity_provider_id", &request.identity_provider_id, IdentityProviderId::parse);
    let target = Target::Provider(fields.finish(id)?);
    let link = caller.user().zip(caller.organization()).ok_or(NO_PERSON)?;
    let return_url = Some(request.return_url).filter(|url| !url.is_empty());
    let command = begin::Command { target, return_url, audience: None, fresh: false, network, link: Some(link) };
    let begun = begin::run(&grpc.resources, &command).await?;
    Ok(Response::new(wire::LinkIdentityResponse {
        authorization_url: begun.authorization_url,
        login_token: begun.token.expose().to_owned(),
        expire_time: Some(render::time(begun.expires)),
    }))
}

pub(super) async fn unlink(
    grpc: &Grpc,
    request: Request<wire::UnlinkIdentityRequest>,
) -> Result<Response<wire::UnlinkIdentityResponse>, Status> {
    let (caller, request) = (caller(&request)?, request.into_inner());
    let mut fields = Fields::default();
    let request_id = fields.request_id(&request.request_id);
    let id = fields.id("linked_identity_id", &request.linked_identity_id, LinkedIdentityId::parse);
    let linked_identity_id = fields.finish(id)?;
    let (user_id, session_id) = caller.user().zip(caller.session()).ok_or(NO_PERSON)?;
    let nothing = |(): &()| Vec::new();
    let once = grpc.once(&caller, "AccountService/UnlinkIdentity", request_id, &request, nothing);
    let command = links::Unlink { user_id, linked_identity_id, session_id, once };
    let resources = Arc::clone(&grpc.resources);
    detached::run(async move { Ok(links::unlink(&resources, &command).await?) }).await?;
    Ok(Response::new(wire::UnlinkIdentityResponse {}))
}
