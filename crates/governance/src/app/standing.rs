//! What a compute spec stands on: the model, the datasets that its creator may view, and the policies that open them.

use std::collections::{BTreeMap, HashMap};

use rolecall_authz::Scope;
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{DatasetId, ModelId, OrganizationId};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Subject;

use crate::domain::asset_policy::AssetPolicy;
use crate::domain::compute_spec::{ComputeSpec, Parameters, Pin, fits};
use crate::domain::dataset::Dataset;
use crate::domain::model::{Model, ModelVersion, VersionName};
use crate::store::{asset_policies, datasets, models};

/// What is named and the creator may not name, or what does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Unknown {
    pub(crate) datasets: Vec<DatasetId>,
    pub(crate) model: bool,
    /// The model is known, but has no published version of the name.
    pub(crate) version: bool,
    /// What keeps the parameters from fulfilling the schema of the version.
    pub(crate) parameters: Option<String>,
}

/// What there is for a creator to stand on, as of one revision.
pub(super) struct Standing<'a> {
    creator: &'a Subject,
    model_version: &'a VersionName,
    parameters: &'a Parameters,
    now: Timestamp,
    /// The datasets that exist among those that are named.
    datasets: HashMap<DatasetId, Dataset>,
    /// The policies in force that open some of them to the creator, in order of their creation.
    policies: Vec<AssetPolicy>,
    model: Option<Model>,
    /// The models of those policies that name another.
    others: HashMap<ModelId, Model>,
}

/// What a spec names.
pub(super) struct Named<'a> {
    pub(super) model_id: ModelId,
    pub(super) model_version: &'a VersionName,
    pub(super) parameters: &'a Parameters,
    pub(super) datasets: Vec<DatasetId>,
}

impl<'a> Named<'a> {
    /// Returns what a spec names.
    pub(super) fn of(spec: &'a ComputeSpec) -> Self {
        let datasets = spec.pins().map(|(dataset, _)| dataset).collect();
        let (model_version, parameters) = (&spec.model_version, &spec.parameters);
        Self { model_id: spec.model_id, model_version, parameters, datasets }
    }
}

/// Reads what there is to stand on, in a transaction that has drawn a revision: none of it changes until its end.
pub(super) async fn read<'a>(
    tx: &Tx,
    creator: &'a Subject,
    named: &Named<'a>,
    now: Timestamp,
) -> Result<Standing<'a>, Error> {
    let found = datasets::list_by_id(tx, &named.datasets).await?;
    let datasets = found.into_iter().map(|dataset| (dataset.dataset_id, dataset)).collect();
    // Held on the condition that a policy names somebody.
    let policies = if creator.may_if_related("organization.datasets.get_granted", now) {
        asset_policies::list_opening(tx, creator.subject_id(), &named.datasets, now).await?
    } else {
        Vec::new()
    };
    let model = models::find(tx, &Scope::All, named.model_id).await?;
    let mut others = HashMap::new();
    for id in policies.iter().map(|policy| policy.terms.model_id).filter(|id| *id != named.model_id) {
        if !others.contains_key(&id) {
            others.extend(models::find(tx, &Scope::All, id).await?.map(|model| (id, model)));
        }
    }
    let (model_version, parameters) = (named.model_version, named.parameters);
    Ok(Standing { creator, model_version, parameters, now, datasets, policies, model, others })
}

fn published<'m>(model: &'m Model, name: &VersionName) -> Option<&'m ModelVersion> {
    model.versions.iter().find(|version| version.draft.name == *name && version.published.is_some())
}

impl Standing<'_> {
    fn version(&self) -> Option<&ModelVersion> {
        published(self.model.as_ref()?, self.model_version)
    }

    /// Finds what the creator may not name, and parameters that do not fulfil the schema.
    pub(super) fn unknown(&self, datasets: &[DatasetId]) -> Unknown {
        let is_known = self.model.as_ref().is_some_and(|model| self.may_name(model));
        let version = self.version().filter(|_| is_known);
        Unknown {
            datasets: datasets.iter().copied().filter(|id| !self.is_viewed(*id)).collect(),
            model: !is_known,
            version: is_known && version.is_none(),
            parameters: version.and_then(|version| fits(self.parameters, &version.draft.parameter_schema).err()),
        }
    }

    /// A model of the own registry, or one that a policy names.
    fn may_name(&self, model: &Model) -> bool {
        let is_named = |policy: &AssetPolicy| {
            policy.terms.model_id == model.model_id && policy.terms.model_version == *self.model_version
        };
        self.creator.may("organization.models.get", model.organization_id, self.now)
            || self.policies.iter().any(is_named)
    }

    fn is_viewed(&self, id: DatasetId) -> bool {
        // A policy may outlive a dataset that it names.
        let is_opened = || self.policies.iter().any(|policy| policy.terms.datasets.contains(&id));
        self.datasets.get(&id).is_some_and(|dataset| self.views_by_role(dataset) || is_opened())
    }

    /// Whoever sees all datasets of its organization, or registered this one there, needs no policy.
    fn views_by_role(&self, dataset: &Dataset) -> bool {
        let (creator, organization) = (self.creator, dataset.organization_id);
        let is_registrant =
            creator.subject_id() == dataset.facts.registrant && creator.organization_id() == Some(organization);
        creator.may("organization.datasets.get", organization, self.now)
            || (is_registrant && creator.may_if_related("organization.datasets.get_registered", self.now))
    }

    /// Returns where a dataset belongs.
    pub(super) fn organization_of(&self, id: DatasetId) -> Option<OrganizationId> {
        self.datasets.get(&id).map(|dataset| dataset.organization_id)
    }

    /// Finds by what the creator may compute on each dataset: by what it was before, or else by the first way there is.
    pub(super) fn pins(
        &self,
        datasets: impl Iterator<Item = (DatasetId, Option<Pin>)>,
    ) -> Result<BTreeMap<DatasetId, Pin>, Vec<DatasetId>> {
        let (mut pins, mut uncovered) = (BTreeMap::new(), Vec::new());
        for (id, before) in datasets {
            let way = self.ways(id).into_iter().find(|way| before.is_none_or(|before| before == *way));
            match way {
                Some(way) => drop(pins.insert(id, way)),
                None => uncovered.push(id),
            }
        }
        if uncovered.is_empty() { Ok(pins) } else { Err(uncovered) }
    }

    /// The ways by which the creator may compute on a dataset.
    fn ways(&self, id: DatasetId) -> Vec<Pin> {
        let Some(dataset) = self.datasets.get(&id) else { return Vec::new() };
        let Some(version) = self.version() else { return Vec::new() };
        if fits(self.parameters, &version.draft.parameter_schema).is_err() {
            return Vec::new();
        }
        let role = self.views_by_role(dataset).then_some(None);
        let policies = self.policies.iter().filter(|policy| policy.terms.datasets.contains(&id));
        let allowing =
            policies.filter(|policy| self.allows(policy, version)).map(|policy| Some(policy.asset_policy_id));
        role.into_iter().chain(allowing).collect()
    }

    /// Tells whether a policy allows the version with the parameters.
    fn allows(&self, policy: &AssetPolicy, version: &ModelVersion) -> bool {
        let terms = &policy.terms;
        let is_same = self.model.as_ref().is_some_and(|model| model.model_id == terms.model_id)
            && version.draft.name == terms.model_version;
        let is_allowed = is_same || self.is_twin(policy, version);
        is_allowed && terms.bounds.as_ref().is_none_or(|bounds| fits(self.parameters, bounds).is_ok())
    }

    /// Registries are of organizations: the same artifact, by its digest, is the same version in each, under the
    /// schema of each.
    fn is_twin(&self, policy: &AssetPolicy, version: &ModelVersion) -> bool {
        let other = self.others.get(&policy.terms.model_id);
        let other = other.and_then(|model| published(model, &policy.terms.model_version));
        other.is_some_and(|other| {
            let digest = &version.draft.artifact_digest;
            !digest.is_empty()
                && *digest == other.draft.artifact_digest
                && fits(self.parameters, &other.draft.parameter_schema).is_ok()
        })
    }

    /// Returns when the first of the policies ends.
    pub(super) fn expires(&self, pins: &BTreeMap<DatasetId, Pin>) -> Option<Timestamp> {
        let is_pinned = |policy: &&AssetPolicy| pins.values().any(|pin| *pin == Some(policy.asset_policy_id));
        self.policies.iter().filter(is_pinned).filter_map(|policy| policy.terms.window.ends).min()
    }
}
