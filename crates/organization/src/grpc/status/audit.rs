//! Errors about the audit log, and about filters.

use rolecall_api::organization::v1::ErrorReason;
use tonic::Status;

use super::refusal;

/// The same bytes for what does not exist and for what the caller may not see.
pub(in crate::grpc) fn audit_event_not_found() -> Status {
    let message = "No such event of the audit log; check the id, and whether it concerns your organization.";
    refusal(ErrorReason::AuditEventNotFound, message).build()
}

pub(in crate::grpc) fn filter_not_indexed() -> Status {
    let message = "Give one of target_id, actor_id and topic; no index answers several of them together.";
    refusal(ErrorReason::FilterNotIndexed, message).build()
}

/// A filter asks for what no index serves.
pub(in crate::grpc) fn not_indexed(what: &str, error: &dyn std::fmt::Display) -> Status {
    let message = format!("The filter {error}; leave that out.");
    refusal(ErrorReason::FilterNotIndexed, &message)
        .metadata("comparison", what)
        .violation("filter", "FILTER_NOT_INDEXED", error.to_string())
        .build()
}
