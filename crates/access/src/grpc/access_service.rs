//! `rolecall.organization.v1.AccessService`.

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::access_service_server::AccessService;
use rolecall_authz::caller;
use rolecall_organization::ground;
use tonic::{Request, Response, Status};

use super::{AccessApi, convert, render, status};
use crate::app::{check, converge, explain, list};

#[tonic::async_trait]
impl AccessService for AccessApi {
    async fn check_access(
        &self,
        request: Request<pb::CheckAccessRequest>,
    ) -> Result<Response<pb::CheckAccessResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::check_access(&caller, request.get_ref())?;
        let checked = check::run(&self.0.app, &command).await.map_err(status::answer)?;
        let decision = checked.decisions.first().map(|decision| render::decision(decision, &checked.world));
        Ok(Response::new(decision.unwrap_or_default()))
    }

    async fn batch_check_access(
        &self,
        request: Request<pb::BatchCheckAccessRequest>,
    ) -> Result<Response<pb::BatchCheckAccessResponse>, Status> {
        let caller = caller(&request)?;
        let command = convert::batch_check_access(&caller, request.get_ref())?;
        let checked = check::run(&self.0.app, &command).await.map_err(status::answer)?;
        Ok(Response::new(render::batch(&checked)))
    }

    async fn explain_access(
        &self,
        request: Request<pb::ExplainAccessRequest>,
    ) -> Result<Response<pb::ExplainAccessResponse>, Status> {
        let caller = caller(&request)?;
        let (sees, question, wanted) = convert::explain_access(&caller, request.get_ref())?;
        let explained = explain::run(&self.0.app, &sees, &question, &wanted).await;
        let (explanation, world) = explained.map_err(status::answer)?;
        Ok(Response::new(render::explanation(&explanation, &world)))
    }

    async fn list_accessible_resources(
        &self,
        request: Request<pb::ListAccessibleResourcesRequest>,
    ) -> Result<Response<pb::ListAccessibleResourcesResponse>, Status> {
        let caller = caller(&request)?;
        let (command, binding) = convert::list_accessible_resources(&self.0, &caller, request.get_ref())?;
        let listed = list::run(&self.0.app, &command).await.map_err(status::answer)?;
        Ok(Response::new(render::listed(&self.0, &binding, &listed)))
    }

    async fn await_convergence(
        &self,
        request: Request<pb::AwaitConvergenceRequest>,
    ) -> Result<Response<pb::AwaitConvergenceResponse>, Status> {
        let (point, patience) = convert::await_convergence(request.get_ref())?;
        let reached = converge::run(&self.0.app, &point, patience).await.map_err(status::answer)?;
        let revision = reached.revision.to_string();
        Ok(Response::new(pb::AwaitConvergenceResponse { converged: reached.converged, revision }))
    }

    async fn get_my_access(
        &self,
        request: Request<pb::GetMyAccessRequest>,
    ) -> Result<Response<pb::GetMyAccessResponse>, Status> {
        let caller = caller(&request)?;
        let app = &self.0.app;
        let read = ground::my_access(&app.database, app.clock.as_ref(), caller.subject()).await;
        let mut access = read.map_err(ground::store)?.ok_or_else(ground::subject_not_found)?;
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
