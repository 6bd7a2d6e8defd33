//! What happened to governed resources.

use rolecall_kernel::id::{DatasetId, ModelId, SubjectId};
use rolecall_kernel::text::ResourceName;

use super::model::VersionName;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    ModelRegistered {
        model_id: ModelId,
        name: ResourceName,
    },
    ModelUpdated {
        model_id: ModelId,
        old: ResourceName,
        new: ResourceName,
    },
    ModelDeleted {
        model_id: ModelId,
        name: ResourceName,
    },
    ModelVersionPut {
        model_id: ModelId,
        version: VersionName,
    },
    ModelVersionPublished {
        model_id: ModelId,
        version: VersionName,
        artifact_digest: String,
    },
    ModelVersionDeleted {
        model_id: ModelId,
        version: VersionName,
    },
    DatasetRegistered {
        dataset_id: DatasetId,
        name: ResourceName,
        registrant: SubjectId,
    },
    DatasetUpdated {
        dataset_id: DatasetId,
        name: ResourceName,
        fields: Vec<&'static str>,
        old: SubjectId,
        new: SubjectId,
    },
    DatasetDeleted {
        dataset_id: DatasetId,
        name: ResourceName,
        registrant: SubjectId,
    },
}

impl What {
    /// Returns the topic.
    pub(crate) const fn topic(&self) -> &'static str {
        match self {
            Self::ModelRegistered { .. } => "organization.model_registered",
            Self::ModelUpdated { .. } => "organization.model_updated",
            Self::ModelDeleted { .. } => "organization.model_deleted",
            Self::ModelVersionPut { .. } => "organization.model_version_put",
            Self::ModelVersionPublished { .. } => "organization.model_version_published",
            Self::ModelVersionDeleted { .. } => "organization.model_version_deleted",
            Self::DatasetRegistered { .. } => "organization.dataset_registered",
            Self::DatasetUpdated { .. } => "organization.dataset_updated",
            Self::DatasetDeleted { .. } => "organization.dataset_deleted",
        }
    }

    /// Returns the resource that it happened to.
    pub(crate) const fn target(&self) -> SubjectId {
        match self {
            Self::DatasetRegistered { dataset_id, .. }
            | Self::DatasetUpdated { dataset_id, .. }
            | Self::DatasetDeleted { dataset_id, .. } => SubjectId::from_uuid(dataset_id.as_uuid()),
            Self::ModelRegistered { model_id, .. }
            | Self::ModelUpdated { model_id, .. }
            | Self::ModelDeleted { model_id, .. }
            | Self::ModelVersionPut { model_id, .. }
            | Self::ModelVersionPublished { model_id, .. }
            | Self::ModelVersionDeleted { model_id, .. } => SubjectId::from_uuid(model_id.as_uuid()),
        }
    }
}
