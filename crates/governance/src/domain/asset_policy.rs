//! Asset policies: what opens datasets to people, with what, how and until when.
//!
//! A draft opens nothing and changes as wanted. An active policy opens its datasets during its time; somebody relies
//! on what it says, so it is only narrowed, and its end is moved. A revoked one opens nothing for ever.

mod beneficiary;
mod change;
mod controls;
mod disclosure;

use rolecall_kernel::id::{AssetPolicyId, DatasetId, ModelId, OrganizationId};
use rolecall_kernel::text::{Reason, ResourceName};
use rolecall_kernel::time::Timestamp;

pub(crate) use self::beneficiary::{Beneficiary, Bond};
pub(crate) use self::change::{Change, ChangeError};
pub(crate) use self::controls::{Obligation, PrivacyBudget, PrivacyControls};
pub(crate) use self::disclosure::{DAY, Disclosure, Undisclosed};
use super::model::VersionName;
use super::schema::ParameterSchema;

/// The most datasets of a policy.
pub(crate) const MAX_DATASETS: usize = 100;
/// The most beneficiaries of a policy.
pub(crate) const MAX_BENEFICIARIES: usize = 1_000;

/// The most policies of an organization, drafts and revoked ones among them: whoever proves an address is bound in all
/// that wait for it at once.
pub(crate) const MAX_POLICIES: u64 = 1_000;

/// Where a policy stands in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It opens nothing yet.
    Draft,
    /// It opens its datasets during its time.
    Active {
        /// Since when.
        activated: Timestamp,
    },
    /// It opens nothing any more.
    Revoked {
        /// When it was activated.
        activated: Timestamp,
        /// When it was revoked.
        revoked: Timestamp,
        /// Why.
        reason: Reason,
    },
}

impl State {
    /// Returns its name in tables.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active { .. } => "ACTIVE",
            Self::Revoked { .. } => "REVOKED",
        }
    }
}

/// When a policy opens anything: from its start on, and no longer at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Window {
    pub(crate) starts: Option<Timestamp>,
    pub(crate) ends: Option<Timestamp>,
}

impl Window {
    /// Tells whether its end comes after its start.
    pub(crate) fn is_ordered(self) -> bool {
        self.starts.zip(self.ends).is_none_or(|(starts, ends)| starts < ends)
    }

    /// Tells whether its end has come.
    pub(crate) fn is_over(self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }

    /// Tells whether it is open.
    pub(crate) fn is_open(self, now: Timestamp) -> bool {
        self.starts.is_none_or(|starts| starts <= now) && !self.is_over(now)
    }
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    pub(crate) name: ResourceName,
    /// In order, each once.
    pub(crate) datasets: Vec<DatasetId>,
    /// In order of their canonical addresses, each once; empty in lists.
    pub(crate) beneficiaries: Vec<Beneficiary>,
    pub(crate) model_id: ModelId,
    pub(crate) model_version: VersionName,
    /// Absent in lists.
    pub(crate) bounds: Option<ParameterSchema>,
    pub(crate) controls: PrivacyControls,
    pub(crate) window: Window,
}

/// An asset policy of an organization.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct AssetPolicy {
    pub(crate) asset_policy_id: AssetPolicyId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) terms: Terms,
    pub(crate) state: State,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// Why a policy stays where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StateError {
    /// What is revoked stays so.
    #[error("the policy is revoked")]
    Revoked,
    /// Only what is active is revoked.
    #[error("the policy is not active")]
    NotActive,
    /// What is active is not deleted.
    #[error("the policy is active")]
    Active,
    /// It would never open anything.
    #[error("the time of the policy has passed")]
    Expired,
}

impl AssetPolicy {
    /// Returns the version of the row as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("v{}", self.version)
    }

    /// Tells whether it opens its datasets.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Active { .. }) && self.terms.window.is_open(now)
    }

    /// Notes a change.
    fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated = now;
    }

    /// Makes a draft active; `false` when it is already.
    pub(crate) fn activate(&mut self, now: Timestamp) -> Result<bool, StateError> {
        match self.state {
            State::Active { .. } => Ok(false),
            State::Revoked { .. } => Err(StateError::Revoked),
            State::Draft if self.terms.window.is_over(now) => Err(StateError::Expired),
            State::Draft => {
                self.state = State::Active { activated: now };
                self.touch(now);
                Ok(true)
            }
        }
    }

    /// Revokes what is active.
    pub(crate) fn revoke(&mut self, reason: &Reason, now: Timestamp) -> Result<(), StateError> {
        let State::Active { activated } = self.state else { return Err(StateError::NotActive) };
        self.state = State::Revoked { activated, revoked: now, reason: reason.clone() };
        self.touch(now);
        Ok(())
    }

    /// Tells why it may not be deleted.
    pub(crate) const fn deletable(&self) -> Result<(), StateError> {
        match self.state {
            State::Active { .. } => Err(StateError::Active),
            State::Draft | State::Revoked { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
