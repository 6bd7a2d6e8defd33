//! Tells whether a token is good (RFC 7662).

use rolecall_api::identity::v1 as wire;
use rolecall_authz::{SubjectKind, caller, examiner};
use rolecall_kernel::id::{OrganizationId, SessionId};
use tonic::{Request, Response, Status};

use crate::app::introspect_token::{self, Error, Introspected};
use crate::grpc::convert::Fields;
use crate::grpc::{Grpc, render};

/// What the caller needs, and where it bounds whose tokens it sees.
const PERMISSION: &str = "identity.tokens.introspect";

/// The longest text that is looked at.
const MAX_BYTES: usize = 8_192;

pub(super) async fn introspect_token(
    grpc: &Grpc,
    request: Request<wire::IntrospectTokenRequest>,
) -> Result<Response<wire::IntrospectTokenResponse>, Status> {
    let (caller, examiner, request) = (caller(&request)?, examiner(&request)?, request.into_inner());
    let mut fields = Fields::default();
    match request.token.len() {
        0 => fields.violate("token", "REQUIRED", "must be an access token"),
        1..=MAX_BYTES => {}
        _ => fields.violate("token", "TOO_LONG", "must have at most 8192 bytes"),
    }
    let token = fields.finish(Some(request.token))?;
    let found = introspect_token::run(&grpc.resources, &examiner, &token, &caller.scope(PERMISSION)).await;
    let found = found.map_err(|error| match error {
        Error::Unconfirmed(refusal) => refusal.into_status(None),
        Error::Fault(fault) => fault.into_status(),
    })?;
    // Of a token that is not good nothing is told, not even why.
    Ok(Response::new(found.as_ref().map(describe).unwrap_or_default()))
}

fn describe(found: &Introspected) -> wire::IntrospectTokenResponse {
    let claims = &found.claims;
    wire::IntrospectTokenResponse {
        active: true,
        subject_id: claims.sub.to_string(),
        service_account: claims.kind == SubjectKind::ServiceAccount,
        organization_id: found.organization_id.as_ref().map(OrganizationId::to_string).unwrap_or_default(),
        session_id: claims.sid.as_ref().map(SessionId::to_string).unwrap_or_default(),
        audience: claims.aud.clone(),
        authentication_methods: claims.amr.clone(),
        permissions: claims.scope.clone().unwrap_or_default(),
        auth_time: Some(render::time(claims.auth_time)),
        issue_time: Some(render::time(claims.iat)),
        expire_time: Some(render::time(claims.exp)),
        impersonator_id: claims.act.as_ref().map(|actor| actor.sub.to_string()).unwrap_or_default(),
        read_only: claims.read_only,
        guest: claims.kind == SubjectKind::Guest,
    }
}
