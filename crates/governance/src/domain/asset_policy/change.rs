//! How a policy may change.

use rolecall_kernel::id::{DatasetId, ModelId};
use rolecall_kernel::text::{EmailAddress, ResourceName};
use rolecall_kernel::time::Timestamp;

use super::{AssetPolicy, Beneficiary, PrivacyControls, State, Terms, Window};
use crate::domain::model::VersionName;
use crate::domain::schema::ParameterSchema;

/// What is to change; what is absent stays.
#[derive(Debug, Clone, Default)]
#[expect(clippy::option_option, reason = "what stays is not what is taken away")]
pub(crate) struct Change {
    pub(crate) name: Option<ResourceName>,
    pub(crate) datasets: Option<Vec<DatasetId>>,
    pub(crate) beneficiaries: Option<Vec<EmailAddress>>,
    pub(crate) model_id: Option<ModelId>,
    pub(crate) model_version: Option<VersionName>,
    pub(crate) bounds: Option<Option<ParameterSchema>>,
    pub(crate) controls: Option<PrivacyControls>,
    pub(crate) starts: Option<Option<Timestamp>>,
    pub(crate) ends: Option<Option<Timestamp>>,
}

/// Why a policy stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeError {
    /// What is revoked stays as it is.
    #[error("the policy is revoked")]
    Revoked,
    /// An active policy is only narrowed; these fields would do something else.
    #[error("an active policy is only narrowed: {0:?}")]
    Widened(Vec<&'static str>),
    /// It would end before it begins.
    #[error("the policy ends before it begins")]
    Disordered,
}

impl Change {
    /// Returns what the policy says afterwards; who stays among the beneficiaries stays bound.
    fn apply(&self, before: &Terms) -> Terms {
        let beneficiary =
            |email: &EmailAddress| before.find(email).cloned().unwrap_or_else(|| Beneficiary::waiting(email.clone()));
        let beneficiaries = self.beneficiaries.as_ref().map(|emails| emails.iter().map(beneficiary).collect());
        Terms {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            datasets: self.datasets.clone().unwrap_or_else(|| before.datasets.clone()),
            beneficiaries: beneficiaries.unwrap_or_else(|| before.beneficiaries.clone()),
            model_id: self.model_id.unwrap_or(before.model_id),
            model_version: self.model_version.clone().unwrap_or_else(|| before.model_version.clone()),
            bounds: self.bounds.clone().unwrap_or_else(|| before.bounds.clone()),
            controls: self.controls.clone().unwrap_or_else(|| before.controls.clone()),
            window: Window {
                starts: self.starts.unwrap_or(before.window.starts),
                ends: self.ends.unwrap_or(before.window.ends),
            },
        }
    }
}

impl Terms {
    /// Names the fields that open more than before, or something else.
    fn wider_than(&self, before: &Self) -> Vec<&'static str> {
        let is_known = |beneficiary: &Beneficiary| before.holds(&beneficiary.email);
        let checks = [
            ("dataset_ids", self.datasets.iter().all(|id| before.datasets.contains(id))),
            ("beneficiaries", self.beneficiaries.iter().all(is_known)),
            ("model_id", self.model_id == before.model_id),
            ("model_version", self.model_version == before.model_version),
            ("parameter_bounds", self.bounds == before.bounds),
            ("privacy_controls", self.controls.are_as_strict_as(&before.controls)),
            ("start_time", self.window.starts == before.window.starts),
        ];
        checks.into_iter().filter(|(_, narrows)| !narrows).map(|(field, _)| field).collect()
    }

    /// Finds a beneficiary by its address.
    pub(crate) fn find(&self, email: &EmailAddress) -> Option<&Beneficiary> {
        // They are in order of their canonical addresses.
        let place = self.beneficiaries.binary_search_by(|known| known.email.key().cmp(email.key()));
        place.ok().and_then(|place| self.beneficiaries.get(place))
    }

    /// Tells whether somebody is among the beneficiaries.
    pub(crate) fn holds(&self, email: &EmailAddress) -> bool {
        self.find(email).is_some()
    }

    /// Names the fields that differ from before.
    pub(crate) fn changed_from(&self, before: &Self) -> Vec<&'static str> {
        let checks = [
            ("name", self.name == before.name),
            ("dataset_ids", self.datasets == before.datasets),
            ("beneficiaries", self.beneficiaries == before.beneficiaries),
            ("model_id", self.model_id == before.model_id),
            ("model_version", self.model_version == before.model_version),
            ("parameter_bounds", self.bounds == before.bounds),
            ("privacy_controls", self.controls == before.controls),
            ("start_time", self.window.starts == before.window.starts),
            ("end_time", self.window.ends == before.window.ends),
        ];
        checks.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
    }
}

impl AssetPolicy {
    /// Changes what it says, and names the fields that changed.
    pub(crate) fn change(&mut self, change: &Change, now: Timestamp) -> Result<Vec<&'static str>, ChangeError> {
        let after = change.apply(&self.terms);
        let wider = match self.state {
            State::Revoked { .. } => return Err(ChangeError::Revoked),
            State::Draft => Vec::new(),
            State::Active { .. } => after.wider_than(&self.terms),
        };
        if !wider.is_empty() {
            return Err(ChangeError::Widened(wider));
        }
        if !after.window.is_ordered() {
            return Err(ChangeError::Disordered);
        }
        let fields = after.changed_from(&self.terms);
        if !fields.is_empty() {
            self.terms = after;
            self.touch(now);
        }
        Ok(fields)
    }
}
