//! `rolecall.notification.v1.NotificationService`.

use std::sync::Arc;

use rolecall_api::notification::v1 as api;
use rolecall_api::notification::v1::notification_service_server::NotificationService;
use rolecall_authz::caller;
use rolecall_db::once::Answer;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::notifications as wire;
use super::status;
use crate::app::{cancel_notification, notifications, send_notification};
use crate::context::Shared;

/// Serves notifications.
pub(crate) struct Service(pub(crate) Arc<Shared>);

const LIST: &str = "notification.notifications.list";

#[async_trait::async_trait]
impl NotificationService for Service {
    async fn send_notification(
        &self,
        request: Request<api::SendNotificationRequest>,
    ) -> Result<Response<api::SendNotificationResponse>, Status> {
        let caller = caller(&request)?;
        let scope = caller.scope("notification.notifications.send");
        let with = (&self.0.fingerprints, self.0.clock.now());
        let command = wire::send(&caller, scope, request.get_ref(), with)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(send_notification::run(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(notification) => wire::accepted(&notification),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }

    async fn get_notification(
        &self,
        request: Request<api::GetNotificationRequest>,
    ) -> Result<Response<api::GetNotificationResponse>, Status> {
        let scope = caller(&request)?.scope(LIST);
        let id = wire::id(&request.get_ref().notification_id)?;
        let (found, counts) = notifications::get(&self.0, &scope, id).await?;
        let notification = Some(wire::message(&found, Some(counts)));
        Ok(Response::new(api::GetNotificationResponse { notification }))
    }

    async fn list_notifications(
        &self,
        request: Request<api::ListNotificationsRequest>,
    ) -> Result<Response<api::ListNotificationsResponse>, Status> {
        let caller = caller(&request)?;
        let command = wire::list(&caller, caller.scope(LIST), request.get_ref(), &self.0.page_tokens)?;
        let page = notifications::list(&self.0, command).await?;
        let next_page_token = match page.items.last() {
            Some(last) if page.has_more => {
                let binding = wire::binding(&caller, request.get_ref());
                let position = last.notification_id.to_string();
                let binding = binding.each_ref().map(String::as_str);
                self.0.page_tokens.seal(&binding, position.as_bytes(), &*self.0.entropy)
            }
            _ => String::new(),
        };
        let notifications = page.items.iter().map(|one| wire::message(one, None)).collect();
        Ok(Response::new(api::ListNotificationsResponse { notifications, next_page_token }))
    }

    async fn cancel_notification(
        &self,
        request: Request<api::CancelNotificationRequest>,
    ) -> Result<Response<api::CancelNotificationResponse>, Status> {
        let caller = caller(&request)?;
        let scope = caller.scope("notification.notifications.cancel");
        let command = wire::cancel(&caller, scope, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(cancel_notification::run(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(done) => wire::cancelled(&done),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }
}
