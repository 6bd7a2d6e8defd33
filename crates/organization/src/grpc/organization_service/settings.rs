//! How organizations want to be run, and which of them strangers find.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_authz::caller;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::answered;
use crate::app::{read_organizations, update_settings};
use crate::grpc::{OrganizationApi, convert, render, status};

pub(super) async fn get(
    api: &OrganizationApi,
    request: Request<pb::GetOrganizationSettingsRequest>,
) -> Result<Response<pb::GetOrganizationSettingsResponse>, Status> {
    let caller = caller(&request)?;
    let id = convert::own_or(&caller, &request.into_inner().organization_id)?;
    let scope = caller.scope("organization.settings.get");
    let found = read_organizations::find_settings(&api.0.app, &scope, id).await.map_err(status::store)?;
    let settings = found.as_ref().map(render::settings).ok_or_else(status::organization_not_found)?;
    Ok(Response::new(pb::GetOrganizationSettingsResponse { settings: Some(settings) }))
}

pub(super) async fn update(
    api: &OrganizationApi,
    request: Request<pb::UpdateOrganizationSettingsRequest>,
) -> Result<Response<pb::UpdateOrganizationSettingsResponse>, Status> {
    let caller = caller(&request)?;
    let command = convert::update_settings(&api.0, &caller, request.get_ref())?;
    let (api, validate_only) = (Arc::clone(&api.0), request.get_ref().validate_only);
    detached::run(async move {
        if validate_only {
            let settings = update_settings::check(&api.app, &command).await.map_err(status::update_settings)?;
            return Ok(Response::new(render::settings_updated(&settings)));
        }
        let answer = update_settings::run(&api.app, &command).await.map_err(status::update_settings)?;
        answered(answer, render::settings_updated)
    })
    .await
}

pub(super) async fn list_discoverable(
    api: &OrganizationApi,
    request: Request<pb::ListDiscoverableOrganizationsRequest>,
) -> Result<Response<pb::ListDiscoverableOrganizationsResponse>, Status> {
    let (api, binding) = (&api.0, ["ListDiscoverableOrganizations"]);
    let (after, size) = convert::list_discoverable(api, &binding, request.get_ref())?;
    let page = read_organizations::list_discoverable(&api.app, after, size).await.map_err(status::directory)?;
    let next_page_token =
        convert::next_page(api, &binding, &page, |(last, _)| (last.created, last.organization_id.as_uuid()));
    let organizations = page.items.iter().map(render::discoverable).collect();
    Ok(Response::new(pb::ListDiscoverableOrganizationsResponse { organizations, next_page_token }))
}
