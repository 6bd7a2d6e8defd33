//! `rolecall.notification.v1.TemplateService`.

use std::sync::Arc;

use rolecall_api::notification::v1 as api;
use rolecall_api::notification::v1::template_service_server::TemplateService;
use rolecall_authz::caller;
use rolecall_db::once::Answer;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::templates as wire;
use super::status;
use crate::app::{change_templates, templates};
use crate::context::Shared;

/// Serves templates of organizations.
pub(crate) struct Service(pub(crate) Arc<Shared>);

const GET: &str = "notification.templates.get";

#[async_trait::async_trait]
impl TemplateService for Service {
    async fn create_template(
        &self,
        request: Request<api::CreateTemplateRequest>,
    ) -> Result<Response<api::CreateTemplateResponse>, Status> {
        let caller = caller(&request)?;
        let scope = caller.scope("notification.templates.create");
        let command = wire::create(&caller, scope, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(change_templates::create(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(template) => wire::created(&template),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }

    async fn get_template(
        &self,
        request: Request<api::GetTemplateRequest>,
    ) -> Result<Response<api::GetTemplateResponse>, Status> {
        let scope = caller(&request)?.scope(GET);
        let (id, version) = wire::get(request.get_ref())?;
        let found = templates::get(&self.0, &scope, id, version).await?;
        Ok(Response::new(api::GetTemplateResponse { template: Some(wire::message(&found)) }))
    }

    async fn list_templates(
        &self,
        request: Request<api::ListTemplatesRequest>,
    ) -> Result<Response<api::ListTemplatesResponse>, Status> {
        let caller = caller(&request)?;
        let command = wire::list(&caller, caller.scope(GET), request.get_ref(), &self.0.page_tokens)?;
        let page = templates::list(&self.0, command).await?;
        let next_page_token = match page.items.last() {
            Some(last) if page.has_more => {
                let binding = wire::binding(&caller, request.get_ref());
                let position = last.template_id.to_string();
                let binding = binding.each_ref().map(String::as_str);
                self.0.page_tokens.seal(&binding, position.as_bytes(), &*self.0.entropy)
            }
            _ => String::new(),
        };
        let templates = page.items.iter().map(wire::head).collect();
        Ok(Response::new(api::ListTemplatesResponse { templates, next_page_token }))
    }

    async fn update_template(
        &self,
        request: Request<api::UpdateTemplateRequest>,
    ) -> Result<Response<api::UpdateTemplateResponse>, Status> {
        let caller = caller(&request)?;
        let scope = caller.scope("notification.templates.update");
        let command = wire::update(&caller, scope, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        let done = detached::run(async move { Ok(change_templates::update(&shared, &command).await?) }).await?;
        Ok(Response::new(match done {
            Answer::Fresh(template) => wire::updated(&template),
            Answer::Repeated(answer) => status::decoded(&answer)?,
        }))
    }

    async fn delete_template(
        &self,
        request: Request<api::DeleteTemplateRequest>,
    ) -> Result<Response<api::DeleteTemplateResponse>, Status> {
        let caller = caller(&request)?;
        let scope = caller.scope("notification.templates.delete");
        let command = wire::delete(&caller, scope, request.get_ref(), &self.0.fingerprints)?;
        let shared = Arc::clone(&self.0);
        detached::run(async move { Ok(change_templates::delete(&shared, &command).await?) }).await?;
        Ok(Response::new(api::DeleteTemplateResponse {}))
    }

    async fn preview_template(
        &self,
        request: Request<api::PreviewTemplateRequest>,
    ) -> Result<Response<api::PreviewTemplateResponse>, Status> {
        let scope = caller(&request)?.scope(GET);
        let command = wire::preview(scope, request.get_ref())?;
        Ok(Response::new(wire::shown(templates::preview(&self.0, command).await?)))
    }
}
