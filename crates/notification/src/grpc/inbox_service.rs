//! `rolecall.notification.v1.InboxService`.

use std::sync::Arc;

use rolecall_api::notification::v1 as api;
use rolecall_api::notification::v1::inbox_service_server::InboxService;
use rolecall_authz::caller;
use rolecall_db::once::Answer;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::inbox as wire;
use super::inbox_watch::{self, Messages};
use super::status;
use crate::app::inbox;
use crate::context::Shared;

/// Serves inboxes.
pub(crate) struct Service(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl InboxService for Service {
    async fn list_messages(
        &self,
        request: Request<api::ListMessagesRequest>,
    ) -> Result<Response<api::ListMessagesResponse>, Status> {
        let caller = caller(&request)?;
        let (after, size) = wire::place(&caller, request.get_ref(), &self.0.page_tokens)?;
        let page = inbox::list(&self.0, caller.subject(), request.get_ref().unread_only, after, size).await?;
        let next_page_token = match page.items.last() {
            Some(last) if page.has_more => {
                let binding = wire::binding(&caller, request.get_ref());
                let position = last.message_id.to_string();
                let binding = binding.each_ref().map(String::as_str);
                self.0.page_tokens.seal(&binding, position.as_bytes(), &*self.0.entropy)
            }
            _ => String::new(),
        };
        let messages = page.items.iter().map(wire::message).collect();
        Ok(Response::new(api::ListMessagesResponse { messages, next_page_token }))
    }

    type WatchInboxStream = Messages;

    async fn watch_inbox(
        &self,
        request: Request<api::WatchInboxRequest>,
    ) -> Result<Response<Self::WatchInboxStream>, Status> {
        Ok(Response::new(inbox_watch::watch(&self.0, &request).await?))
    }

    async fn get_inbox_summary(
        &self,
        request: Request<api::GetInboxSummaryRequest>,
    ) -> Result<Response<api::GetInboxSummaryResponse>, Status> {
        let counted = inbox::count(&self.0, caller(&request)?.subject()).await?;
        Ok(Response::new(api::GetInboxSummaryResponse { summary: Some(wire::summary(counted)) }))
    }

    async fn mark_messages(
        &self,
        request: Request<api::MarkMessagesRequest>,
    ) -> Result<Response<api::MarkMessagesResponse>, Status> {
        let command = wire::mark(&*caller(&request)?, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(inbox::change(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(counted) => wire::marked(counted),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }

    async fn delete_messages(
        &self,
        request: Request<api::DeleteMessagesRequest>,
    ) -> Result<Response<api::DeleteMessagesResponse>, Status> {
        let command = wire::delete(&*caller(&request)?, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(inbox::change(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(counted) => wire::deleted(counted),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }

    async fn reply_to_message(
        &self,
        request: Request<api::ReplyToMessageRequest>,
    ) -> Result<Response<api::ReplyToMessageResponse>, Status> {
        let command = wire::reply(&*caller(&request)?, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(inbox::reply(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(answer) => wire::replied(&answer),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }
}
