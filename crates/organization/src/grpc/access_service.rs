//! `rolecall.organization.v1.AccessService`.

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::access_service_server::AccessService;
use rolecall_authz::caller;
use tonic::{Request, Response, Status};

use super::{AccessApi, convert, render, status};
use crate::app::{check_access, subject_access};

#[tonic::async_trait]
impl AccessService for AccessApi {
    async fn check_access(
        &self,
        request: Request<pb::CheckAccessRequest>,
    ) -> Result<Response<pb::CheckAccessResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::check_access(&caller, request.get_ref())?;
        let checked = check_access::run(&self.0.app, &command).await.map_err(status::store)?;
        Ok(Response::new(render::checked(&checked)))
    }

    async fn get_my_access(
        &self,
        request: Request<pb::GetMyAccessRequest>,
    ) -> Result<Response<pb::GetMyAccessResponse>, Status> {
        let caller = caller(&request)?;
        let app = &self.0.app;
        let read = subject_access::read(&app.database, app.clock.as_ref(), caller.subject()).await;
        let snapshot = read.map_err(status::store)?.ok_or_else(status::subject_not_found)?;
        let mut access = render::my_access(&snapshot);
        // A narrowed token opens no more than it names.
        access.grants.retain(|grant| caller.claims().is_none_or(|claims| claims.covers(&grant.permission)));
        if let Some(actor) = caller.actor() {
            access.impersonator_id = actor.to_string();
            access.read_only = caller.claims().is_some_and(|claims| claims.read_only);
            access.grants.retain(|grant| caller.holds(&grant.permission));
        }
        Ok(Response::new(access))
    }
}
