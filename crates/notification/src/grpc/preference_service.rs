//! `rolecall.notification.v1.PreferenceService`.

use std::sync::Arc;

use rolecall_api::notification::v1 as api;
use rolecall_api::notification::v1::preference_service_server::PreferenceService;
use rolecall_authz::caller;
use rolecall_db::once::Answer;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::{self, preferences as wire};
use super::status;
use crate::app::preferences;
use crate::context::Shared;

/// Serves preferences.
pub(crate) struct Service(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl PreferenceService for Service {
    async fn get_preferences(
        &self,
        request: Request<api::GetPreferencesRequest>,
    ) -> Result<Response<api::GetPreferencesResponse>, Status> {
        let found = preferences::get(&self.0, &*caller(&request)?).await?;
        Ok(Response::new(api::GetPreferencesResponse { preferences: Some(wire::message(&found)) }))
    }

    async fn update_preferences(
        &self,
        request: Request<api::UpdatePreferencesRequest>,
    ) -> Result<Response<api::UpdatePreferencesResponse>, Status> {
        let command = wire::update(&*caller(&request)?, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(preferences::update(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(updated) => wire::updated(&updated),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }

    async fn unsubscribe(
        &self,
        request: Request<api::UnsubscribeRequest>,
    ) -> Result<Response<api::UnsubscribeResponse>, Status> {
        let (token, shared) = (request.into_inner().token, Arc::clone(&self.0));
        let ended = detached::run(async move { Ok(preferences::unsubscribe(&shared, &token).await?) }).await?;
        let categories: Vec<i32> = ended.into_iter().map(|category| convert::category(category).into()).collect();
        let category = if let [one] = categories.as_slice() { *one } else { api::Category::Unspecified.into() };
        Ok(Response::new(api::UnsubscribeResponse { category, categories }))
    }
}
