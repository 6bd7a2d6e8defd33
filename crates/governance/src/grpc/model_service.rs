//! `rolecall.organization.v1.ModelService`.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::model_service_server::ModelService;
use rolecall_authz::caller;
use rolecall_organization::ground::{answered, following, organization_not_found, store};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::models as convert;
use super::render::models as render;
use super::{ModelApi, status};
use crate::app::{
    delete_model, delete_model_version, publish_model_version, put_model_version, read_models, register_model,
    update_model,
};

#[tonic::async_trait]
impl ModelService for ModelApi {
    async fn register_model(
        &self,
        request: Request<pb::RegisterModelRequest>,
    ) -> Result<Response<pb::RegisterModelResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::register_model(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = register_model::run(&api.app, &command).await.map_err(status::change_model)?;
            answered(answer, render::registered)
        })
        .await
    }

    async fn get_model(&self, request: Request<pb::GetModelRequest>) -> Result<Response<pb::GetModelResponse>, Status> {
        let caller = caller(&request)?;
        let id = convert::get_model(request.get_ref())?;
        let scope = caller.scope("organization.models.get");
        let found = read_models::find(&self.0.app, &scope, id).await.map_err(store)?;
        let model = found.as_ref().map(render::model).ok_or_else(status::model_not_found)?;
        Ok(Response::new(pb::GetModelResponse { model: Some(model) }))
    }

    async fn list_models(
        &self,
        request: Request<pb::ListModelsRequest>,
    ) -> Result<Response<pb::ListModelsResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let subject = caller.subject().to_string();
        let binding = ["ListModels", &subject, &request.organization_id];
        let list = convert::list_models(api, &caller, &binding, &request)?;
        let page = read_models::list(&api.app, &list).await.map_err(store)?.ok_or_else(organization_not_found)?;
        let entropy = api.app.entropy.as_ref();
        let next_page_token =
            following(&api.pages, entropy, &binding, &page, |last| (last.created, last.model_id.as_uuid()));
        let models = page.items.iter().map(render::model).collect();
        Ok(Response::new(pb::ListModelsResponse { models, next_page_token }))
    }

    async fn update_model(
        &self,
        request: Request<pb::UpdateModelRequest>,
    ) -> Result<Response<pb::UpdateModelResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::update_model(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = update_model::run(&api.app, &command).await.map_err(status::change_model)?;
            answered(answer, render::updated)
        })
        .await
    }

    async fn delete_model(
        &self,
        request: Request<pb::DeleteModelRequest>,
    ) -> Result<Response<pb::DeleteModelResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::delete_model(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = delete_model::run(&api.app, &command).await.map_err(status::change_model)?;
            answered(answer, render::deleted)
        })
        .await
    }

    async fn put_model_version(
        &self,
        request: Request<pb::PutModelVersionRequest>,
    ) -> Result<Response<pb::PutModelVersionResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::put_model_version(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = put_model_version::run(&api.app, &command).await.map_err(status::change_model)?;
            answered(answer, render::version_put)
        })
        .await
    }

    async fn publish_model_version(
        &self,
        request: Request<pb::PublishModelVersionRequest>,
    ) -> Result<Response<pb::PublishModelVersionResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::publish_model_version(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = publish_model_version::run(&api.app, &command).await.map_err(status::change_model)?;
            answered(answer, render::version_published)
        })
        .await
    }

    async fn delete_model_version(
        &self,
        request: Request<pb::DeleteModelVersionRequest>,
    ) -> Result<Response<pb::DeleteModelVersionResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::delete_model_version(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = delete_model_version::run(&api.app, &command).await.map_err(status::change_model)?;
            answered(answer, render::version_deleted)
        })
        .await
    }
}
