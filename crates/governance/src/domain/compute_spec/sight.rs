//! Who sees what of a spec.

use rolecall_authz::Scope;
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;

use super::{ComputeSpec, State, Verdict};

/// Which specs a caller sees.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    /// Those of creators of this scope.
    pub(crate) all: Scope,
    /// Those that it created.
    pub(crate) created: Option<UserId>,
    /// Of those that touch datasets of this organization, the part that does.
    pub(crate) touching: Option<OrganizationId>,
}

/// How much of a spec is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    /// The part of this organization.
    Part(OrganizationId),
}

impl Sight {
    /// Returns how much of a spec is seen; none of it when it does not exist for the caller.
    pub(crate) fn view(&self, spec: &ComputeSpec) -> Option<View> {
        if self.created == Some(spec.creator) || self.all.includes_organization(spec.organization_id) {
            return Some(View::Whole);
        }
        let own = self.touching.filter(|own| spec.submitted.is_some() && spec.part(*own).is_some())?;
        Some(View::Part(own))
    }
}

impl View {
    /// Returns where a spec stands, as it is shown: of what others decide a reviewer learns that it is over.
    pub(crate) fn state(self, spec: &ComputeSpec, now: Timestamp) -> State {
        let state = spec.state_at(now);
        let Self::Part(own) = self else { return state };
        match (state, spec.part(own).map(|part| &part.verdict)) {
            (State::Draft | State::Withdrawn | State::Revoked, _) => state,
            (State::Rejected, Some(Verdict::Rejected { .. })) => State::Rejected,
            (State::Rejected, _) => State::Revoked,
            (_, Some(Verdict::Approved { .. })) => State::Approved,
            (_, Some(Verdict::Waiting | Verdict::Rejected { .. }) | None) => State::Submitted,
        }
    }

    /// Returns the version as callers give it back: it changes with what is shown, and with nothing else.
    pub(crate) fn etag(self, spec: &ComputeSpec, now: Timestamp) -> String {
        match self {
            Self::Whole => format!("v{}", spec.version),
            Self::Part(_) => format!("p{}", self.state(spec, now) as u8),
        }
    }

    /// Returns when what is shown last changed.
    pub(crate) fn updated(self, spec: &ComputeSpec) -> Timestamp {
        let Self::Part(own) = self else { return spec.updated };
        let decided = spec.part(own).and_then(|part| match &part.verdict {
            Verdict::Waiting => None,
            Verdict::Approved { decided } | Verdict::Rejected { decided, .. } => Some(*decided),
        });
        [spec.submitted, decided, spec.ended].into_iter().flatten().max().unwrap_or(spec.created)
    }
}
