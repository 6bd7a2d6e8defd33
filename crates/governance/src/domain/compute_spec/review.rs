//! How organizations decide about their parts.

use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::text::Reason;
use rolecall_kernel::time::Timestamp;

use super::{ComputeSpec, State, Verdict};

/// Why an organization decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReviewError {
    /// None of its datasets is touched.
    #[error("the spec touches no dataset of the organization")]
    NoPart,
    /// The spec is not under review.
    #[error("the spec is not under review")]
    NotUnderReview,
}

impl ComputeSpec {
    /// Approves the part of an organization; `false` when that approved already.
    pub(crate) fn approve(&mut self, organization: OrganizationId, now: Timestamp) -> Result<bool, ReviewError> {
        let state = self.state_at(now);
        let verdict = self.verdict(organization)?;
        if state.stands() && matches!(verdict, Verdict::Approved { .. }) {
            return Ok(false);
        }
        if !matches!(state, State::Submitted | State::PartlyApproved) {
            return Err(ReviewError::NotUnderReview);
        }
        *verdict = Verdict::Approved { decided: now };
        let is_whole = self.parts.iter().all(|part| matches!(part.verdict, Verdict::Approved { .. }));
        self.state = if is_whole { State::Approved } else { State::PartlyApproved };
        self.touch(now);
        Ok(true)
    }

    /// Rejects the part of an organization, and with it the whole.
    pub(crate) fn reject(
        &mut self,
        organization: OrganizationId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<(), ReviewError> {
        let state = self.state_at(now);
        let verdict = self.verdict(organization)?;
        if !matches!(state, State::Submitted | State::PartlyApproved) {
            return Err(ReviewError::NotUnderReview);
        }
        *verdict = Verdict::Rejected { decided: now, reason: reason.clone() };
        self.end(State::Rejected, now);
        Ok(())
    }

    fn verdict(&mut self, organization: OrganizationId) -> Result<&mut Verdict, ReviewError> {
        let part = self.parts.iter_mut().find(|part| part.organization_id == organization);
        part.map(|part| &mut part.verdict).ok_or(ReviewError::NoPart)
    }
}
