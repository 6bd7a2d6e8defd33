//! `rolecall.organization.v1.DatasetService`.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::dataset_service_server::DatasetService;
use rolecall_authz::caller;
use rolecall_organization::ground::{answered, following, organization_not_found, store};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::datasets as convert;
use super::render::datasets as render;
use super::{DatasetApi, status};
use crate::app::{delete_dataset, read_datasets, register_dataset, update_dataset};

#[tonic::async_trait]
impl DatasetService for DatasetApi {
    async fn register_dataset(
        &self,
        request: Request<pb::RegisterDatasetRequest>,
    ) -> Result<Response<pb::RegisterDatasetResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::register_dataset(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = register_dataset::run(&api.app, &command).await.map_err(status::change_dataset)?;
            answered(answer, render::registered)
        })
        .await
    }

    async fn get_dataset(
        &self,
        request: Request<pb::GetDatasetRequest>,
    ) -> Result<Response<pb::GetDatasetResponse>, Status> {
        let caller = caller(&request)?;
        let id = convert::get_dataset(request.get_ref())?;
        let found = read_datasets::find(&self.0.app, &convert::sees(&self.0, &caller), id).await.map_err(store)?;
        let dataset = found.as_ref().map(render::dataset).ok_or_else(status::dataset_not_found)?;
        Ok(Response::new(pb::GetDatasetResponse { dataset: Some(dataset) }))
    }

    async fn list_datasets(
        &self,
        request: Request<pb::ListDatasetsRequest>,
    ) -> Result<Response<pb::ListDatasetsResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let subject = caller.subject().to_string();
        let binding = ["ListDatasets", &subject, &request.organization_id, &request.filter];
        let list = convert::list_datasets(api, &caller, &binding, &request)?;
        let page = read_datasets::list(&api.app, &list).await.map_err(store)?.ok_or_else(organization_not_found)?;
        let entropy = api.app.entropy.as_ref();
        let next_page_token =
            following(&api.pages, entropy, &binding, &page, |last| (last.created, last.dataset_id.as_uuid()));
        let datasets = page.items.iter().map(render::dataset).collect();
        Ok(Response::new(pb::ListDatasetsResponse { datasets, next_page_token }))
    }

    async fn update_dataset(
        &self,
        request: Request<pb::UpdateDatasetRequest>,
    ) -> Result<Response<pb::UpdateDatasetResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::update_dataset(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = update_dataset::run(&api.app, &command).await.map_err(status::change_dataset)?;
            answered(answer, render::updated)
        })
        .await
    }

    async fn delete_dataset(
        &self,
        request: Request<pb::DeleteDatasetRequest>,
    ) -> Result<Response<pb::DeleteDatasetResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::delete_dataset(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = delete_dataset::run(&api.app, &command).await.map_err(status::change_dataset)?;
            answered(answer, render::deleted)
        })
        .await
    }
}
