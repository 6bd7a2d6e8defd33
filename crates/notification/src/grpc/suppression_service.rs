//! `rolecall.notification.v1.SuppressionService`.

use std::sync::Arc;

use rolecall_api::notification::v1 as api;
use rolecall_api::notification::v1::suppression_service_server::SuppressionService;
use rolecall_authz::caller;
use rolecall_db::once::Answer;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::suppressions as wire;
use super::status;
use crate::app::suppressions;
use crate::context::Shared;

/// Serves the addresses that get no mail.
pub(crate) struct Service(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl SuppressionService for Service {
    async fn create_suppression(
        &self,
        request: Request<api::CreateSuppressionRequest>,
    ) -> Result<Response<api::CreateSuppressionResponse>, Status> {
        let caller = caller(&request)?;
        wire::demand_all(&caller, "notification.suppressions.create")?;
        let command = wire::create(&caller, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(suppressions::create(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(suppression) => wire::created(&suppression),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }

    async fn list_suppressions(
        &self,
        request: Request<api::ListSuppressionsRequest>,
    ) -> Result<Response<api::ListSuppressionsResponse>, Status> {
        let caller = caller(&request)?;
        wire::demand_all(&caller, "notification.suppressions.list")?;
        let wire::List { only, after, size } = wire::list(&caller, request.get_ref(), &self.0.page_tokens)?;
        let page = suppressions::list(&self.0, only.as_ref(), after.as_deref(), size).await?;
        let next_page_token = match page.items.last() {
            Some(last) if page.has_more => {
                let binding = wire::binding(&caller, request.get_ref());
                let binding = binding.each_ref().map(String::as_str);
                self.0.page_tokens.seal(&binding, last.email.key().as_bytes(), &*self.0.entropy)
            }
            _ => String::new(),
        };
        let suppressions = page.items.iter().map(wire::message).collect();
        Ok(Response::new(api::ListSuppressionsResponse { suppressions, next_page_token }))
    }

    async fn delete_suppression(
        &self,
        request: Request<api::DeleteSuppressionRequest>,
    ) -> Result<Response<api::DeleteSuppressionResponse>, Status> {
        let caller = caller(&request)?;
        wire::demand_all(&caller, "notification.suppressions.delete")?;
        let command = wire::delete(&caller, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        detached::run(async move { Ok(suppressions::delete(&shared, &command).await?) }).await?;
        Ok(Response::new(api::DeleteSuppressionResponse {}))
    }
}
