//! Models as messages.

use rolecall_api::organization::v1 as pb;
use rolecall_organization::ground::timestamp;

use crate::app::change_model::Changed;
use crate::domain::model::{Model, ModelVersion};

pub(in crate::grpc) fn model(model: &Model) -> pb::Model {
    pb::Model {
        model_id: model.model_id.to_string(),
        organization_id: model.organization_id.to_string(),
        name: model.name.as_str().to_owned(),
        description: model.description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default(),
        versions: model.versions.iter().map(version).collect(),
        etag: model.etag(),
        create_time: Some(timestamp(model.created)),
        update_time: Some(timestamp(model.updated)),
    }
}

fn version(version: &ModelVersion) -> pb::ModelVersion {
    let state = match version.published {
        Some(_) => pb::ModelVersionState::Published,
        None => pb::ModelVersionState::Draft,
    };
    pb::ModelVersion {
        name: version.draft.name.as_str().to_owned(),
        parameter_schema: version.draft.parameter_schema.as_str().to_owned(),
        artifact_uri: version.draft.artifact_uri.clone(),
        artifact_digest: version.draft.artifact_digest.clone(),
        state: state.into(),
        create_time: Some(timestamp(version.created)),
        publish_time: version.published.map(timestamp),
    }
}

/// Without the schemas, which whoever changed something else does not want again, and which answers are kept without.
fn changed(changed: &Changed) -> pb::Model {
    let mut model = model(&changed.model);
    model.versions.iter_mut().for_each(|version| version.parameter_schema.clear());
    model
}

pub(in crate::grpc) fn registered(change: &Changed) -> pb::RegisterModelResponse {
    pb::RegisterModelResponse { model: Some(changed(change)), revision: change.revision.to_string() }
}

pub(in crate::grpc) fn updated(change: &Changed) -> pb::UpdateModelResponse {
    pb::UpdateModelResponse { model: Some(changed(change)) }
}

pub(in crate::grpc) fn deleted(change: &Changed) -> pb::DeleteModelResponse {
    pb::DeleteModelResponse { revision: change.revision.to_string() }
}

pub(in crate::grpc) fn version_put(change: &Changed) -> pb::PutModelVersionResponse {
    pb::PutModelVersionResponse { model: Some(changed(change)) }
}

pub(in crate::grpc) fn version_published(change: &Changed) -> pb::PublishModelVersionResponse {
    pb::PublishModelVersionResponse { model: Some(changed(change)) }
}

pub(in crate::grpc) fn version_deleted(change: &Changed) -> pb::DeleteModelVersionResponse {
    pb::DeleteModelVersionResponse { model: Some(changed(change)) }
}
