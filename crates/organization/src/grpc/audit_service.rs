//! `rolecall.organization.v1.AuditService`.

mod convert;
mod export;
mod render;

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::audit_service_server::AuditService;
use rolecall_authz::{caller, standing};
use tonic::{Request, Response, Status};

use super::{AuditApi, status};
use crate::app::audit_log::{get, verify, walk};
use crate::app::list_audit_events;

#[tonic::async_trait]
impl AuditService for AuditApi {
    type ExportAuditEventsStream = BoxStream<'static, Result<pb::ExportAuditEventsResponse, Status>>;

    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let binding = convert::list_binding(&caller, &request);
        let binding: Vec<&str> = binding.iter().map(String::as_str).collect();
        let command = convert::list(api, &caller, &binding, &request)?;
        let listed = list_audit_events::run(&api.app, &command).await.map_err(status::store)?;
        let listed = listed.ok_or_else(status::organization_not_found)?;
        let next_page_token = super::convert::next_audit_page(api, &binding, &listed.page);
        let audit_events = listed.page.items.into_iter().map(render::event).collect();
        let lag = Some(render::duration(listed.lag));
        Ok(Response::new(pb::ListAuditEventsResponse { audit_events, next_page_token, lag }))
    }

    async fn get_audit_event(
        &self,
        request: Request<pb::GetAuditEventRequest>,
    ) -> Result<Response<pb::GetAuditEventResponse>, Status> {
        let caller = caller(&request)?;
        let event_id = convert::event_id(request.get_ref())?;
        let scope = caller.scope(convert::PERMISSION);
        let found = get::run(&self.0.app, &scope, event_id).await.map_err(status::store)?;
        let found = found.ok_or_else(status::audit_event_not_found)?;
        Ok(Response::new(pb::GetAuditEventResponse { audit_event: Some(render::event(found)) }))
    }

    async fn export_audit_events(
        &self,
        request: Request<pb::ExportAuditEventsRequest>,
    ) -> Result<Response<Self::ExportAuditEventsStream>, Status> {
        let standing = standing(&request)?;
        let stream = export::begin(Arc::clone(&self.0), standing, request.get_ref()).await?;
        Ok(Response::new(stream.boxed()))
    }

    async fn verify_audit_log(
        &self,
        request: Request<pb::VerifyAuditLogRequest>,
    ) -> Result<Response<pb::VerifyAuditLogResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let wish = convert::verify(api, &caller, &request)?;
        let scope = walk::narrow(&api.app, &caller.scope(convert::PERMISSION), wish.organization).await;
        let scope = scope.map_err(status::store)?.ok_or_else(status::organization_not_found)?;
        convert::check_known(&scope, &wish.known)?;
        convert::check_chain(&scope, "page_token", wish.after.map(|after| after.chain))?;
        let command = verify::Command { scope, known: wish.known, after: wish.after };
        let report = verify::run(&api.app, &command).await.map_err(status::store)?;
        let next_page_token = convert::verify_token(api, &caller, &request, report.next);
        Ok(Response::new(render::report(report, next_page_token)))
    }
}
