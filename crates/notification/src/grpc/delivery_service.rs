//! `rolecall.notification.v1.DeliveryService`.

use std::sync::Arc;

use rolecall_api::notification::v1::delivery_service_server::DeliveryService;
use rolecall_api::notification::v1::{
    GetDeliveryRequest, GetDeliveryResponse, ListDeliveriesRequest, ListDeliveriesResponse, RetryDeliveriesRequest,
    RetryDeliveriesResponse,
};
use rolecall_authz::caller;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert;
use crate::app::{get_delivery, list_deliveries, retry_deliveries};
use crate::context::Shared;

/// Serves deliveries.
pub(crate) struct Service(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl DeliveryService for Service {
    async fn list_deliveries(
        &self,
        request: Request<ListDeliveriesRequest>,
    ) -> Result<Response<ListDeliveriesResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let scope = caller.scope("notification.deliveries.list");
        let command = convert::list(&caller, scope, &request, &self.0.page_tokens)?;
        let page = list_deliveries::run(&self.0, command).await?;
        let next_page_token = match page.items.last() {
            Some(last) if page.has_more => {
                let binding = convert::binding(&caller, &request);
                let position = last.delivery_id.to_string();
                let binding = binding.each_ref().map(String::as_str);
                self.0.page_tokens.seal(&binding, position.as_bytes(), &*self.0.entropy)
            }
            _ => String::new(),
        };
        let deliveries = page.items.iter().map(|delivery| convert::delivery(delivery, Vec::new())).collect();
        Ok(Response::new(ListDeliveriesResponse { deliveries, next_page_token }))
    }

    async fn get_delivery(
        &self,
        request: Request<GetDeliveryRequest>,
    ) -> Result<Response<GetDeliveryResponse>, Status> {
        let scope = caller(&request)?.scope("notification.deliveries.get");
        let command = convert::get(scope, request.get_ref())?;
        let (delivery, attempts) = get_delivery::run(&self.0, command).await?;
        let delivery = Some(convert::delivery(&delivery, attempts));
        Ok(Response::new(GetDeliveryResponse { delivery }))
    }

    async fn retry_deliveries(
        &self,
        request: Request<RetryDeliveriesRequest>,
    ) -> Result<Response<RetryDeliveriesResponse>, Status> {
        let caller = caller(&request)?;
        let scope = caller.scope("notification.deliveries.retry");
        let command = convert::retry(&caller, scope, request.get_ref())?;
        let shared = Arc::clone(&self.0);
        let retried = detached::run(async move { Ok(retry_deliveries::run(&shared, command).await?) }).await?;
        let deliveries = retried.iter().map(|delivery| convert::delivery(delivery, Vec::new())).collect();
        Ok(Response::new(RetryDeliveriesResponse { deliveries }))
    }
}
