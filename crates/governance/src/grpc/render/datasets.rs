//! Datasets as messages.

use rolecall_api::organization::v1 as pb;
use rolecall_organization::ground::timestamp;

use crate::app::change_dataset::Changed;
use crate::domain::dataset::Dataset;

pub(in crate::grpc) fn dataset(dataset: &Dataset) -> pb::Dataset {
    let facts = &dataset.facts;
    pb::Dataset {
        dataset_id: dataset.dataset_id.to_string(),
        organization_id: dataset.organization_id.to_string(),
        name: facts.name.as_str().to_owned(),
        description: facts.description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default(),
        registrant_id: facts.registrant.to_string(),
        storage_uri: facts.storage_uri.clone(),
        format: facts.format.clone(),
        etag: dataset.etag(),
        create_time: Some(timestamp(dataset.created)),
        update_time: Some(timestamp(dataset.updated)),
    }
}

pub(in crate::grpc) fn registered(changed: &Changed) -> pb::RegisterDatasetResponse {
    pb::RegisterDatasetResponse { dataset: Some(dataset(&changed.dataset)), revision: changed.revision.to_string() }
}

pub(in crate::grpc) fn updated(changed: &Changed) -> pb::UpdateDatasetResponse {
    pb::UpdateDatasetResponse { dataset: Some(dataset(&changed.dataset)), revision: changed.revision.to_string() }
}

pub(in crate::grpc) fn deleted(changed: &Changed) -> pb::DeleteDatasetResponse {
    pb::DeleteDatasetResponse { revision: changed.revision.to_string() }
}
