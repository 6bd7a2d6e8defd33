//! Datasets, and who reaches them.

use rolecall_authz::{Permit, RowFacts, Scope};
use rolecall_kernel::id::{DatasetId, OrganizationId, SubjectId};
use rolecall_kernel::text::{Description, ResourceName};
use rolecall_kernel::time::Timestamp;

/// What can be changed of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) name: ResourceName,
    pub(crate) description: Option<Description>,
    /// Who manages it beside those who manage all of the organization.
    pub(crate) registrant: SubjectId,
    /// Never fetched.
    pub(crate) storage_uri: String,
    pub(crate) format: String,
}

/// A dataset of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct Dataset {
    pub(crate) dataset_id: DatasetId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) facts: Facts,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Dataset {
    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("v{}", self.version)
    }
}

impl Facts {
    /// Names the fields in which others differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("name", self.name != other.name),
            ("description", self.description != other.description),
            ("registrant_id", self.registrant != other.registrant),
            ("storage_uri", self.storage_uri != other.storage_uri),
            ("format", self.format != other.format),
        ];
        fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

/// Where a caller reaches datasets; what none of it names does not exist for the caller.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    /// Every dataset of this scope.
    pub(crate) all: Scope,
    /// Those that this subject registered in its organization.
    pub(crate) registered: Option<(SubjectId, OrganizationId)>,
    /// Those that an asset policy in force opens to this subject, as of this time; to be read and nothing else.
    pub(crate) granted: Option<(SubjectId, Timestamp)>,
}

impl Reach {
    /// Gives the permit for a change of a dataset that is reached.
    pub(crate) fn permit(&self, dataset: &Dataset) -> Option<Permit> {
        let facts = || RowFacts::of_subject(Some(dataset.organization_id), dataset.facts.registrant);
        let own = |(subject, organization): (SubjectId, OrganizationId)| {
            Some(Scope::SelfOnly(subject)).filter(|_| organization == dataset.organization_id)?.permit(facts())
        };
        self.all.permit(facts()).or_else(|| self.registered.and_then(own))
    }
}

/// A comparison of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    /// The name, folded.
    Name(String),
    /// How the name begins, folded.
    NamePrefix(String),
    /// Who registered it.
    Registrant(SubjectId),
}

/// Which datasets are listed: all groups hold, and of each group one term.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) all: Vec<Vec<Term>>,
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn dataset(organization_id: OrganizationId, registrant: SubjectId) -> Dataset {
        let name = ResourceName::parse("Trial").expect("a name");
        let (storage_uri, format) = (String::new(), String::new());
        let facts = Facts { name, description: None, registrant, storage_uri, format };
        let dataset_id = DatasetId::new(NOW, &SystemEntropy);
        Dataset { dataset_id, organization_id, facts, version: 1, created: NOW, updated: NOW }
    }

    #[test]
    fn what_was_registered_is_reached_in_the_own_organization_alone() {
        let organization = || OrganizationId::new(NOW, &SystemEntropy);
        let subject = || SubjectId::new(NOW, &SystemEntropy);
        let (own, me) = (organization(), subject());
        let steward = Reach { all: Scope::Nothing, registered: Some((me, own)), granted: None };
        assert!(steward.permit(&dataset(own, me)).is_some());
        assert!(steward.permit(&dataset(own, subject())).is_none());
        assert!(steward.permit(&dataset(organization(), me)).is_none(), "it stayed where it was registered");
        let owner = Reach { all: Scope::organization(own), registered: None, granted: None };
        assert!(owner.permit(&dataset(own, subject())).is_some());
        assert!(owner.permit(&dataset(organization(), me)).is_none());
    }

    #[test]
    fn the_fields_that_differ_are_named() {
        let organization = OrganizationId::new(NOW, &SystemEntropy);
        let before = dataset(organization, SubjectId::new(NOW, &SystemEntropy)).facts;
        let after =
            Facts { format: "text/csv".to_owned(), description: Description::parse("x").ok(), ..before.clone() };
        assert_eq!(after.differences(&before), ["description", "format"]);
        assert!(before.differences(&before).is_empty());
    }
}
