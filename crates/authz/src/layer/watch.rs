//! Looks at what a call was answered, and counts it when it was refused.

use std::sync::Arc;

use http::HeaderMap;
use rolecall_kernel::id::{OrganizationId, SubjectId};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::caller::Caller;
use crate::policy::Rule;
use crate::refusal::Refusal;
use crate::refused::Refusals;

/// A call whose answer is waited for.
pub(super) struct Watch {
    pub(super) refusals: Refusals,
    pub(super) rule: Arc<Rule>,
    /// Who calls; none of a public method.
    pub(super) caller: Option<Arc<Caller>>,
}

impl Watch {
    /// The same, of a caller that is known.
    pub(super) fn of(self, caller: Arc<Caller>) -> Self {
        Self { caller: Some(caller), ..self }
    }

    /// Counts a call that did not come as far as its method.
    pub(super) fn refused(&self, refusal: &Refusal, caller: Option<(SubjectId, Option<OrganizationId>)>) {
        if matches!(refusal.code(), Code::Unauthenticated | Code::PermissionDenied) {
            self.refusals.note(&self.rule.context, &self.rule.path, caller, refusal.reason());
        }
    }

    /// Counts a call that its method refused. An error that comes before any message is told in the headers.
    pub(super) fn look(&self, headers: &HeaderMap) {
        let Some(code) = headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes())) else { return };
        // Public methods have events of their own for credentials that are not good.
        let counts = code == Code::PermissionDenied || (code == Code::Unauthenticated && self.caller.is_some());
        // What another service is refused, it tells whoever called it, who is counted there.
        if !counts || self.caller.as_ref().is_some_and(|caller| caller.service().is_some()) {
            return;
        }
        let told = Status::from_header_map(headers).and_then(|status| status.get_details_error_info());
        let who = |caller: &Arc<Caller>| (caller.actor().unwrap_or(caller.subject()), caller.organization());
        let caller = self.caller.as_ref().map(who);
        let reason = told.map(|info| info.reason).unwrap_or_default();
        self.refusals.note(&self.rule.context, &self.rule.path, caller, &reason);
    }
}
