//! `rolecall.organization.v1.AssetPolicyService`.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::asset_policy_service_server::AssetPolicyService;
use rolecall_authz::caller;
use rolecall_organization::ground::{answered, following, organization_not_found, store};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::AssetPolicyApi;
use super::convert::asset_policies as convert;
use super::render::asset_policies as render;
use super::status::asset_policies as status;
use crate::app::{
    activate_asset_policy, create_asset_policy, delete_asset_policy, read_asset_policies, revoke_asset_policy,
    update_asset_policy,
};

/// The datasets that a request names.
fn named(policy: Option<&pb::AssetPolicy>) -> Vec<String> {
    policy.map(|policy| policy.dataset_ids.clone()).unwrap_or_default()
}

#[tonic::async_trait]
impl AssetPolicyService for AssetPolicyApi {
    async fn create_asset_policy(
        &self,
        request: Request<pb::CreateAssetPolicyRequest>,
    ) -> Result<Response<pb::CreateAssetPolicyResponse>, Status> {
        let command = convert::create(&self.0, &*caller(&request)?, request.get_ref())?;
        let (api, named) = (Arc::clone(&self.0), named(request.get_ref().asset_policy.as_ref()));
        detached::run(async move {
            let answer = create_asset_policy::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &named))?, render::created)
        })
        .await
    }

    async fn get_asset_policy(
        &self,
        request: Request<pb::GetAssetPolicyRequest>,
    ) -> Result<Response<pb::GetAssetPolicyResponse>, Status> {
        let scope = caller(&request)?.scope("organization.asset_policies.get");
        let id = convert::one(&request.get_ref().asset_policy_id)?;
        let app = &self.0.app;
        let found = read_asset_policies::find(app, &scope, id).await.map_err(store)?.ok_or_else(status::not_found)?;
        let asset_policy = Some(render::policy(&found, app.now()));
        Ok(Response::new(pb::GetAssetPolicyResponse { asset_policy }))
    }

    async fn list_asset_policies(
        &self,
        request: Request<pb::ListAssetPoliciesRequest>,
    ) -> Result<Response<pb::ListAssetPoliciesResponse>, Status> {
        let (caller, api) = (caller(&request)?, &self.0);
        let binding = convert::binding(&caller, request.get_ref());
        let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
        let list = convert::list(api, &caller, &binding, request.get_ref())?;
        let page = read_asset_policies::list(&api.app, &list).await.map_err(store)?;
        let page = page.ok_or_else(organization_not_found)?;
        let place = |last: &crate::domain::asset_policy::AssetPolicy| (last.created, last.asset_policy_id.as_uuid());
        let next_page_token = following(&api.pages, api.app.entropy.as_ref(), &binding, &page, place);
        let now = api.app.now();
        let asset_policies = page.items.iter().map(|policy| render::listed(policy, now)).collect();
        Ok(Response::new(pb::ListAssetPoliciesResponse { asset_policies, next_page_token }))
    }

    async fn update_asset_policy(
        &self,
        request: Request<pb::UpdateAssetPolicyRequest>,
    ) -> Result<Response<pb::UpdateAssetPolicyResponse>, Status> {
        let command = convert::update(&self.0, &*caller(&request)?, request.get_ref())?;
        let (api, named) = (Arc::clone(&self.0), named(request.get_ref().asset_policy.as_ref()));
        detached::run(async move {
            let answer = update_asset_policy::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &named))?, render::updated)
        })
        .await
    }

    async fn activate_asset_policy(
        &self,
        request: Request<pb::ActivateAssetPolicyRequest>,
    ) -> Result<Response<pb::ActivateAssetPolicyResponse>, Status> {
        let command = convert::activate(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = activate_asset_policy::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::activated)
        })
        .await
    }

    async fn revoke_asset_policy(
        &self,
        request: Request<pb::RevokeAssetPolicyRequest>,
    ) -> Result<Response<pb::RevokeAssetPolicyResponse>, Status> {
        let command = convert::revoke(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = revoke_asset_policy::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::revoked)
        })
        .await
    }

    async fn delete_asset_policy(
        &self,
        request: Request<pb::DeleteAssetPolicyRequest>,
    ) -> Result<Response<pb::DeleteAssetPolicyResponse>, Status> {
        let command = convert::delete(&self.0, &*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = delete_asset_policy::run(&api.app, &command).await;
            answered(answer.map_err(|error| status::change(error, &[]))?, render::deleted)
        })
        .await
    }
}
