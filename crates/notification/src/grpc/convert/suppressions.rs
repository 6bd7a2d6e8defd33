//! Messages of `SuppressionService`.

use prost::Message as _;
use rolecall_api::notification::v1 as api;
use rolecall_authz::{Caller, Refusal, Scope};
use rolecall_db::once::{Repeat, RequestKey};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::page::{PageSize, PageTokens};
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{call_id, request_id, timestamp};
use crate::app::suppressions::Command;
use crate::domain::notification::Title;
use crate::domain::suppression::{Reason, Suppression};
use crate::grpc::status::violations;

const CREATE: &str = "notification.SuppressionService/CreateSuppression";
const DELETE: &str = "notification.SuppressionService/DeleteSuppression";

/// The addresses are of the whole installation, so they are for those who may see all of it.
pub(in crate::grpc) fn demand_all(caller: &Caller, permission: &'static str) -> Result<(), Status> {
    if caller.scope(permission) == Scope::All {
        return Ok(());
    }
    Err(Refusal::PermissionMissing(vec![permission.into()]).into_status(None))
}

/// Reads what `CreateSuppression` needs.
pub(in crate::grpc) fn create(
    caller: &Caller,
    request: &api::CreateSuppressionRequest,
    fingerprints: &KeyedHash,
) -> Result<Command<Suppression>, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let email = found.check("email", "EMAIL_MALFORMED", EmailAddress::parse(&request.email));
    if !request.detail.is_empty() {
        found.check("detail", "TEXT_INVALID", Title::parse(&request.detail));
    }
    let (Some(email), true) = (email, found.is_empty()) else { return Err(violations(found)) };
    let key = RequestKey::new(fingerprints, caller.subject(), CREATE, request_id, &request.encode_to_vec());
    let repeat = key.map(|key| Repeat { key, encode: |done| created(done).encode_to_vec() });
    let detail = request.detail.trim().to_owned();
    Ok(Command { actor: caller.subject(), call_id: call_id(), email, detail, repeat })
}

/// Reads what `DeleteSuppression` needs.
pub(in crate::grpc) fn delete(
    caller: &Caller,
    request: &api::DeleteSuppressionRequest,
    fingerprints: &KeyedHash,
) -> Result<Command<()>, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let email = found.check("email", "EMAIL_MALFORMED", EmailAddress::parse(&request.email));
    let (Some(email), true) = (email, found.is_empty()) else { return Err(violations(found)) };
    let key = RequestKey::new(fingerprints, caller.subject(), DELETE, request_id, &request.encode_to_vec());
    let repeat = key.map(|key| Repeat { key, encode: |()| Vec::new() });
    Ok(Command { actor: caller.subject(), call_id: call_id(), email, detail: String::new(), repeat })
}

/// Which addresses a page shows.
pub(in crate::grpc) struct List {
    pub(in crate::grpc) only: Option<EmailAddress>,
    pub(in crate::grpc) after: Option<String>,
    pub(in crate::grpc) size: PageSize,
}

/// Reads what `ListSuppressions` needs.
pub(in crate::grpc) fn list(
    caller: &Caller,
    request: &api::ListSuppressionsRequest,
    tokens: &PageTokens,
) -> Result<List, Status> {
    let mut found = Violations::default();
    let only = match request.email.as_str() {
        "" => None,
        email => found.check("email", "EMAIL_MALFORMED", EmailAddress::parse(email)),
    };
    let size = found.check("page_size", "PAGE_SIZE_INVALID", PageSize::parse(request.page_size));
    let position = tokens.open(&binding(caller, request).each_ref().map(String::as_str), &request.page_token);
    let after = found.check("page_token", "PAGE_TOKEN_INVALID", position).flatten();
    let after = after.map(|position| String::from_utf8_lossy(&position).into_owned());
    match size {
        Some(size) if found.is_empty() => Ok(List { only, after, size }),
        _ => Err(violations(found)),
    }
}

/// What a page token belongs to.
pub(in crate::grpc) fn binding(caller: &Caller, request: &api::ListSuppressionsRequest) -> [String; 3] {
    ["notification.ListSuppressions".to_owned(), caller.subject().to_string(), request.email.clone()]
}

/// Renders what `CreateSuppression` answers.
pub(in crate::grpc) fn created(suppression: &Suppression) -> api::CreateSuppressionResponse {
    api::CreateSuppressionResponse { suppression: Some(message(suppression)) }
}

/// Renders an address.
pub(in crate::grpc) fn message(suppression: &Suppression) -> api::Suppression {
    let reason = match suppression.reason {
        Reason::Bounce => api::SuppressionReason::Bounce,
        Reason::Manual => api::SuppressionReason::Manual,
    };
    api::Suppression {
        email: suppression.email.as_str().to_owned(),
        reason: reason.into(),
        detail: suppression.detail.clone(),
        actor_id: suppression.actor.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(timestamp(suppression.created)),
    }
}
