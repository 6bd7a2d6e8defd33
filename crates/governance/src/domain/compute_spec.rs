//! Compute specs: what somebody wants to compute on which datasets, and who allows it.
//!
//! Each organization that has some of the datasets decides about its own part. A spec that was submitted stands on
//! policies, datasets and people; when one of these ends, it ends too.

mod parameters;
mod review;
mod run;
mod sight;

use std::collections::BTreeMap;

use rolecall_kernel::id::{AssetPolicyId, ComputeSpecId, DatasetId, ModelId, OrganizationId, UserId};
use rolecall_kernel::text::{Reason, ResourceName};
use rolecall_kernel::time::Timestamp;

pub(crate) use self::parameters::{Parameters, ParametersError, fits};
pub(crate) use self::review::ReviewError;
pub(crate) use self::run::{Run, RunError, RunName, RunState};
pub(crate) use self::sight::{Sight, View};
use super::model::VersionName;

/// The most datasets of a spec.
pub(crate) const MAX_DATASETS: usize = 100;
/// The most specs of a creator that have not ended.
pub(crate) const MAX_OPEN: u64 = 100;
/// The most specs that somebody creates within a day.
pub(crate) const MAX_A_DAY: u64 = 100;
/// The most submitted specs that have not ended and touch the datasets of one organization: what a revocation there
/// ends, it ends in one transaction.
pub(crate) const MAX_TOUCHING: u64 = 1_000;
/// The most runs of a spec.
pub(crate) const MAX_RUNS: u64 = 1_000;

/// Where a spec stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Draft,
    Submitted,
    PartlyApproved,
    Approved,
    Rejected,
    Withdrawn,
    Revoked,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Draft,
        Self::Submitted,
        Self::PartlyApproved,
        Self::Approved,
        Self::Rejected,
        Self::Withdrawn,
        Self::Revoked,
    ];

    /// Returns its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Submitted => "SUBMITTED",
            Self::PartlyApproved => "PARTLY_APPROVED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Withdrawn => "WITHDRAWN",
            Self::Revoked => "REVOKED",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Tells whether it was submitted and has not ended: it stands on something.
    pub(crate) const fn stands(self) -> bool {
        matches!(self, Self::Submitted | Self::PartlyApproved | Self::Approved)
    }
}

/// Why a spec was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    PolicyRevoked,
    PolicyNarrowed,
    PolicyExpired,
    DatasetDeleted,
    OrganizationSuspended,
    CreatorDeleted,
}

impl Cause {
    const ALL: [Self; 6] = [
        Self::PolicyRevoked,
        Self::PolicyNarrowed,
        Self::PolicyExpired,
        Self::DatasetDeleted,
        Self::OrganizationSuspended,
        Self::CreatorDeleted,
    ];

    /// Returns its name in tables and events.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PolicyRevoked => "POLICY_REVOKED",
            Self::PolicyNarrowed => "POLICY_NARROWED",
            Self::PolicyExpired => "POLICY_EXPIRED",
            Self::DatasetDeleted => "DATASET_DELETED",
            Self::OrganizationSuspended => "ORGANIZATION_SUSPENDED",
            Self::CreatorDeleted => "CREATOR_DELETED",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// What an organization decided about its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Waiting,
    Approved { decided: Timestamp },
    Rejected { decided: Timestamp, reason: Reason },
}

/// By what a creator may compute on a dataset: a policy; none when it views the dataset by its role.
pub(crate) type Pin = Option<AssetPolicyId>;

/// The part that touches the datasets of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) organization_id: OrganizationId,
    /// The datasets, in order, and by what the creator may compute on each; nothing yet in a draft.
    pub(crate) datasets: BTreeMap<DatasetId, Pin>,
    pub(crate) verdict: Verdict,
}

/// A compute spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct ComputeSpec {
    pub(crate) compute_spec_id: ComputeSpecId,
    /// Where its creator belongs.
    pub(crate) organization_id: OrganizationId,
    pub(crate) creator: UserId,
    pub(crate) name: ResourceName,
    pub(crate) model_id: ModelId,
    pub(crate) model_version: VersionName,
    pub(crate) parameters: Parameters,
    /// In order of the organizations.
    pub(crate) parts: Vec<Part>,
    /// As it was last written; see [`state_at`](Self::state_at).
    pub(crate) state: State,
    pub(crate) cause: Option<Cause>,
    pub(crate) submitted: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    /// When the first of the policies that it stands on ends.
    pub(crate) expires: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Why a spec stays where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StateError {
    /// Only a draft is submitted.
    #[error("the spec is no draft")]
    NotDraft,
    /// What has ended stays so.
    #[error("the spec has ended")]
    Ended,
}

impl ComputeSpec {
    /// Returns where it stands: what expired is revoked, whether somebody has written that down or not.
    pub(crate) fn state_at(&self, now: Timestamp) -> State {
        if self.state.stands() && self.has_expired(now) { State::Revoked } else { self.state }
    }

    /// Returns why it is revoked.
    pub(crate) fn cause_at(&self, now: Timestamp) -> Option<Cause> {
        let is_unwritten = self.state.stands() && self.has_expired(now);
        if is_unwritten { Some(Cause::PolicyExpired) } else { self.cause }
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Returns the part of an organization.
    pub(crate) fn part(&self, organization: OrganizationId) -> Option<&Part> {
        self.parts.iter().find(|part| part.organization_id == organization)
    }

    /// All datasets with what they stand on.
    pub(crate) fn pins(&self) -> impl Iterator<Item = (DatasetId, Pin)> + '_ {
        self.parts.iter().flat_map(|part| part.datasets.iter().map(|(dataset, pin)| (*dataset, *pin)))
    }

    fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated = now;
    }

    /// Submits a draft on what it stands on; `false` when it is under review or approved already.
    pub(crate) fn submit(
        &mut self,
        pins: &BTreeMap<DatasetId, Pin>,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StateError> {
        match self.state_at(now) {
            State::Draft => {}
            State::Submitted | State::PartlyApproved => return Ok(false),
            State::Approved | State::Rejected | State::Withdrawn | State::Revoked => return Err(StateError::NotDraft),
        }
        for (dataset, pin) in self.parts.iter_mut().flat_map(|part| part.datasets.iter_mut()) {
            *pin = pins.get(dataset).copied().flatten();
        }
        (self.state, self.submitted, self.expires) = (State::Submitted, Some(now), expires);
        self.touch(now);
        Ok(true)
    }

    /// Withdraws what has not ended; `false` when it is withdrawn already.
    pub(crate) fn withdraw(&mut self, now: Timestamp) -> Result<bool, StateError> {
        match self.state_at(now) {
            State::Withdrawn => Ok(false),
            State::Rejected | State::Revoked => Err(StateError::Ended),
            State::Draft | State::Submitted | State::PartlyApproved | State::Approved => {
                self.end(State::Withdrawn, now);
                Ok(true)
            }
        }
    }

    /// Revokes what stands on something that ended; `false` when it does not stand any more.
    pub(crate) fn revoke(&mut self, cause: Cause, now: Timestamp) -> bool {
        let stands = self.state.stands();
        if stands {
            self.cause = Some(cause);
            self.end(State::Revoked, now);
        }
        stands
    }

    fn end(&mut self, state: State, now: Timestamp) {
        (self.state, self.ended) = (state, Some(now));
        self.touch(now);
    }
}

#[cfg(test)]
mod tests;
