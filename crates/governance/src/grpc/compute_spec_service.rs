//! `rolecall.organization.v1.ComputeSpecService`.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::compute_spec_service_server::ComputeSpecService;
use rolecall_authz::caller;
use rolecall_organization::ground::{answered, following, organization_not_found, store};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::ComputeSpecApi;
use super::convert::compute_specs as convert;
use super::render::compute_specs as render;
use super::status::compute_specs as status;
use crate::app::read_compute_specs::{self, Shown};
use crate::app::{
    create_compute_spec, report_compute_spec_run, review_compute_spec, submit_compute_spec, withdraw_compute_spec,
};

#[tonic::async_trait]
impl ComputeSpecService for ComputeSpecApi {
    async fn create_compute_spec(
        &self,
        request: Request<pb::CreateComputeSpecRequest>,
    ) -> Result<Response<pb::CreateComputeSpecResponse>, Status> {
        let command = convert::create(&self.0, &*caller(&request)?, request.get_ref())?;
        let named = request.get_ref().compute_spec.as_ref().map(|spec| spec.dataset_ids.clone());
        let (api, named) = (Arc::clone(&self.0), named.unwrap_or_default());
        detached::run(async move {
            let answer = create_compute_spec::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &named))?, render::created)
        })
        .await
    }

    async fn submit_compute_spec(
        &self,
        request: Request<pb::SubmitComputeSpecRequest>,
    ) -> Result<Response<pb::SubmitComputeSpecResponse>, Status> {
        let command = convert::submit(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = submit_compute_spec::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::submitted)
        })
        .await
    }

    async fn withdraw_compute_spec(
        &self,
        request: Request<pb::WithdrawComputeSpecRequest>,
    ) -> Result<Response<pb::WithdrawComputeSpecResponse>, Status> {
        let command = convert::withdraw(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = withdraw_compute_spec::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::withdrawn)
        })
        .await
    }

    async fn get_compute_spec(
        &self,
        request: Request<pb::GetComputeSpecRequest>,
    ) -> Result<Response<pb::GetComputeSpecResponse>, Status> {
        let sight = convert::sight(&*caller(&request)?);
        let id = convert::one(&request.get_ref().compute_spec_id)?;
        let found = read_compute_specs::find(&self.0.app, &sight, id).await.map_err(store)?;
        let compute_spec = found.as_ref().map(render::spec).ok_or_else(status::not_found)?;
        Ok(Response::new(pb::GetComputeSpecResponse { compute_spec: Some(compute_spec) }))
    }

    async fn list_compute_specs(
        &self,
        request: Request<pb::ListComputeSpecsRequest>,
    ) -> Result<Response<pb::ListComputeSpecsResponse>, Status> {
        let (caller, api) = (caller(&request)?, &self.0);
        let binding = convert::binding(&caller, request.get_ref());
        let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
        let now = api.app.now();
        let list = convert::list(api, &caller, &binding, request.get_ref(), now)?;
        let page = read_compute_specs::list(&api.app, &list, now).await.map_err(store)?;
        let page = page.ok_or_else(organization_not_found)?;
        let place = |last: &Shown| (last.spec.created, last.spec.compute_spec_id.as_uuid());
        let next_page_token = following(&api.pages, api.app.entropy.as_ref(), &binding, &page, place);
        let compute_specs = page.items.iter().map(render::listed).collect();
        Ok(Response::new(pb::ListComputeSpecsResponse { compute_specs, next_page_token }))
    }

    async fn approve_compute_spec(
        &self,
        request: Request<pb::ApproveComputeSpecRequest>,
    ) -> Result<Response<pb::ApproveComputeSpecResponse>, Status> {
        let command = convert::approve(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = review_compute_spec::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::approved)
        })
        .await
    }

    async fn reject_compute_spec(
        &self,
        request: Request<pb::RejectComputeSpecRequest>,
    ) -> Result<Response<pb::RejectComputeSpecResponse>, Status> {
        let command = convert::reject(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = review_compute_spec::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::rejected)
        })
        .await
    }

    async fn report_compute_spec_run(
        &self,
        request: Request<pb::ReportComputeSpecRunRequest>,
    ) -> Result<Response<pb::ReportComputeSpecRunResponse>, Status> {
        let command = convert::report(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = report_compute_spec_run::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::reported)
        })
        .await
    }
}
