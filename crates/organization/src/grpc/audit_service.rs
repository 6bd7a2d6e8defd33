//! `rolecall.organization.v1.AuditService`.

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::audit_service_server::AuditService;
use rolecall_authz::caller;
use tonic::{Request, Response, Status};

use super::{AuditApi, convert, render, status};
use crate::app::list_audit_events;

#[tonic::async_trait]
impl AuditService for AuditApi {
    async fn list_audit_events(
        &self,
        request: Request<pb::ListAuditEventsRequest>,
    ) -> Result<Response<pb::ListAuditEventsResponse>, Status> {
        let caller = caller(&request)?;
        let (api, request) = (&self.0, request.into_inner());
        let pb::ListAuditEventsRequest { organization_id, target_id, actor_id, topic, .. } = &request;
        let subject = caller.subject().to_string();
        let binding = ["ListAuditEvents", &subject, organization_id, target_id, actor_id, topic];
        let command = convert::list_audit_events(api, &caller, &binding, &request)?;
        let page = list_audit_events::run(&api.app, &command).await.map_err(status::store)?;
        let page = page.ok_or_else(status::organization_not_found)?;
        let next_page_token = convert::next_audit_page(api, &binding, &page);
        let audit_events = page.items.into_iter().map(render::audit_event).collect();
        Ok(Response::new(pb::ListAuditEventsResponse { audit_events, next_page_token }))
    }
}
