//! `rolecall.organization.v1.OrganizationService`.

mod settings;

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::organization_service_server::OrganizationService;
use rolecall_authz::caller;
use rolecall_rpc::detached;
use rolecall_rpc::status::{domain, internal};
use tonic::{Request, Response, Status};

use super::{Api, OrganizationApi, convert, render, status};
use crate::app::{
    create_organization, delete_organization, read_organizations, resume_organization, suspend_organization,
    update_organization,
};
use crate::events::publish::timestamp;
use rolecall_db::once::Answer;

#[tonic::async_trait]
impl OrganizationService for OrganizationApi {
    async fn create_organization(
        &self,
        request: Request<pb::CreateOrganizationRequest>,
    ) -> Result<Response<pb::CreateOrganizationResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let command = convert::create_organization(&self.0, &caller, &request)?;
        let (api, validate_only) = (Arc::clone(&self.0), request.validate_only);
        detached::run(async move {
            if validate_only {
                return would_create(&api, &command).await;
            }
            let answer = create_organization::run(&api.app, &command).await.map_err(status::create_organization)?;
            answered(answer, render::created)
        })
        .await
    }

    async fn get_organization(
        &self,
        request: Request<pb::GetOrganizationRequest>,
    ) -> Result<Response<pb::GetOrganizationResponse>, Status> {
        let caller = caller(&request)?;
        let id = convert::own_or(&caller, &request.into_inner().organization_id)?;
        let scope = caller.scope("organization.organizations.get");
        let found = read_organizations::find(&self.0.app, &scope, id).await.map_err(status::store)?;
        let organization = found.as_ref().map(render::organization).ok_or_else(status::organization_not_found)?;
        Ok(Response::new(pb::GetOrganizationResponse { organization: Some(organization) }))
    }

    async fn list_organizations(
        &self,
        request: Request<pb::ListOrganizationsRequest>,
    ) -> Result<Response<pb::ListOrganizationsResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let subject = caller.subject().to_string();
        let binding = ["ListOrganizations", &subject];
        let (after, size) = convert::list_organizations(api, &binding, &request)?;
        let scope = caller.scope("organization.organizations.list");
        let page = read_organizations::list(&api.app, &scope, after, size).await.map_err(status::store)?;
        let next_page_token =
            convert::next_page(api, &binding, &page, |last| (last.created, last.organization_id.as_uuid()));
        let organizations = page.items.iter().map(render::organization).collect();
        Ok(Response::new(pb::ListOrganizationsResponse { organizations, next_page_token }))
    }

    async fn update_organization(
        &self,
        request: Request<pb::UpdateOrganizationRequest>,
    ) -> Result<Response<pb::UpdateOrganizationResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::update_organization(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = update_organization::run(&api.app, &command).await.map_err(status::change_organization)?;
            answered(answer, render::organization_updated)
        })
        .await
    }

    async fn suspend_organization(
        &self,
        request: Request<pb::SuspendOrganizationRequest>,
    ) -> Result<Response<pb::SuspendOrganizationResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::suspend_organization(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = suspend_organization::run(&api.app, &command).await.map_err(status::change_organization)?;
            answered(answer, render::suspended)
        })
        .await
    }

    async fn resume_organization(
        &self,
        request: Request<pb::ResumeOrganizationRequest>,
    ) -> Result<Response<pb::ResumeOrganizationResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::resume_organization(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = resume_organization::run(&api.app, &command).await.map_err(status::change_organization)?;
            answered(answer, render::resumed)
        })
        .await
    }

    async fn delete_organization(
        &self,
        request: Request<pb::DeleteOrganizationRequest>,
    ) -> Result<Response<pb::DeleteOrganizationResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::delete_organization(&self.0, &caller, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let answer = delete_organization::run(&api.app, &command).await.map_err(status::change_organization)?;
            answered(answer, |()| pb::DeleteOrganizationResponse {})
        })
        .await
    }

    async fn get_organization_settings(
        &self,
        request: Request<pb::GetOrganizationSettingsRequest>,
    ) -> Result<Response<pb::GetOrganizationSettingsResponse>, Status> {
        settings::get(self, request).await
    }

    async fn update_organization_settings(
        &self,
        request: Request<pb::UpdateOrganizationSettingsRequest>,
    ) -> Result<Response<pb::UpdateOrganizationSettingsResponse>, Status> {
        settings::update(self, request).await
    }

    async fn list_discoverable_organizations(
        &self,
        request: Request<pb::ListDiscoverableOrganizationsRequest>,
    ) -> Result<Response<pb::ListDiscoverableOrganizationsResponse>, Status> {
        settings::list_discoverable(self, request).await
    }
}

/// What would be made: without an id, since nothing is.
async fn would_create(
    api: &Api,
    command: &create_organization::Command,
) -> Result<Response<pb::CreateOrganizationResponse>, Status> {
    let now = create_organization::check(&api.app, command).await.map_err(status::create_organization)?;
    let organization = pb::Organization {
        name: command.name.as_str().to_owned(),
        state: pb::OrganizationState::Active.into(),
        create_time: Some(timestamp(now)),
        mfa_policy: render::mfa_policy(command.mfa_policy).into(),
        ..pb::Organization::default()
    };
    let first_owner_id = String::new();
    Ok(Response::new(pb::CreateOrganizationResponse { organization: Some(organization), first_owner_id }))
}

/// Answers a change, or what was answered when it was made.
pub fn answered<T, M: prost::Message + Default>(answer: Answer<T>, render: fn(&T) -> M) -> Result<Response<M>, Status> {
    match answer {
        Answer::Fresh(outcome) => Ok(Response::new(render(&outcome))),
        Answer::Repeated(bytes) => {
            M::decode(bytes.as_slice()).map(Response::new).map_err(|error| internal(domain::ORGANIZATION, error))
        }
    }
}
