//! `rolecall.identity.v1.DirectoryService`.

use std::sync::Arc;

use rolecall_api::identity::v1::directory_service_server::DirectoryService;
use rolecall_api::identity::v1::{
    BatchGetContactsRequest, BatchGetContactsResponse, CheckSessionRequest, CheckSessionResponse,
    CheckSingleSignOnRequest, CheckSingleSignOnResponse, GetInstanceRequest, GetInstanceResponse, IngestEventsRequest,
    IngestEventsResponse, IngestOutcome, IngestResult, IngestedEvent, InviteFirstOwnerRequest,
    InviteFirstOwnerResponse, ProvenEmail, ResolveProvenEmailsRequest, ResolveProvenEmailsResponse,
};
use rolecall_kernel::id::{EventId, OrganizationId, SessionId, SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::convert::{Demand, Fields, Names, time};
use super::{Grpc, render};
use crate::app::Resources;
use crate::app::fault::Fault;
use crate::app::{
    check_session, check_single_sign_on, instance_settings, invite_first_owner, proven_address, read_contacts,
};
use crate::events::consume::{Arrived, Outcome, consume};

/// The most subjects of one question.
const MAX_SUBJECTS: usize = 1_000;
/// The most events of one delivery.
const MAX_EVENTS: usize = 100;

fn owner_command(request: InviteFirstOwnerRequest) -> Result<invite_first_owner::Command, Status> {
    let mut fields = Fields::default();
    let user_id = fields.id("user_id", &request.user_id, UserId::parse);
    let organization_id = fields.id("organization_id", &request.organization_id, OrganizationId::parse);
    let actor = fields.id("actor_id", &request.actor_id, SubjectId::parse);
    let email = fields.email(&request.email);
    let names = Names {
        name: &request.name,
        given_name: &request.given_name,
        family_name: &request.family_name,
        ..Names::default()
    };
    let profile = fields.profile(&names, Demand::Name);
    let parsed = user_id.zip(organization_id).zip(actor.zip(email)).zip(profile);
    let (((user_id, organization_id), (actor, email)), profile) = fields.finish(parsed)?;
    let organization_name = request.organization_name;
    Ok(invite_first_owner::Command { user_id, organization_id, organization_name, actor, email, profile })
}

/// Works on one event; what cannot be read is parked by its sender.
async fn ingest(resources: &Resources, event: IngestedEvent) -> IngestResult {
    let outcome = match (EventId::parse(&event.event_id), event.occurred_time) {
        (Ok(event_id), Some(occurred)) => {
            let occurred = time(occurred);
            let arrived = Arrived { event_id, topic: event.topic, payload: event.payload, occurred };
            consume(resources, &arrived).await
        }
        _ => Outcome::Park("the event has no readable id or time"),
    };
    let (outcome, detail) = match outcome {
        Outcome::Done => (IngestOutcome::Done, ""),
        Outcome::Retry(why) => (IngestOutcome::Retry, why),
        Outcome::Park(why) => (IngestOutcome::Park, why),
    };
    IngestResult { event_id: event.event_id, outcome: outcome.into(), detail: detail.to_owned() }
}

#[tonic::async_trait]
impl DirectoryService for Grpc {
    async fn invite_first_owner(
        &self,
        request: Request<InviteFirstOwnerRequest>,
    ) -> Result<Response<InviteFirstOwnerResponse>, Status> {
        let command = owner_command(request.into_inner())?;
        let resources = Arc::clone(&self.resources);
        detached::run(async move { Ok(invite_first_owner::run(&resources, &command).await?) }).await?;
        Ok(Response::new(InviteFirstOwnerResponse {}))
    }

    async fn batch_get_contacts(
        &self,
        request: Request<BatchGetContactsRequest>,
    ) -> Result<Response<BatchGetContactsResponse>, Status> {
        let ids = request.into_inner().subject_ids;
        let mut fields = Fields::default();
        if ids.len() > MAX_SUBJECTS {
            fields.violate("subject_ids", "TOO_MANY", "must name at most 1000 subjects");
        }
        let named = ids.iter().enumerate().take(MAX_SUBJECTS);
        let subjects: Vec<SubjectId> =
            named.filter_map(|(index, id)| fields.id(&format!("subject_ids[{index}]"), id, SubjectId::parse)).collect();
        let subjects = fields.finish(Some(subjects))?;
        let users = read_contacts::run(&self.resources, &subjects).await.map_err(Fault::from)?;
        Ok(Response::new(BatchGetContactsResponse { contacts: users.iter().map(render::contact).collect() }))
    }

    async fn get_instance(&self, _: Request<GetInstanceRequest>) -> Result<Response<GetInstanceResponse>, Status> {
        let instance_settings::Presented { settings, name } =
            instance_settings::get(&self.resources).await.map_err(Fault::from)?;
        let organization_directory = settings.organization_directory;
        Ok(Response::new(GetInstanceResponse { name, organization_directory }))
    }

    async fn check_session(
        &self,
        request: Request<CheckSessionRequest>,
    ) -> Result<Response<CheckSessionResponse>, Status> {
        let mut fields = Fields::default();
        let session = fields.id("session_id", &request.into_inner().session_id, SessionId::parse);
        let session = fields.finish(session)?;
        let active = check_session::run(&self.resources, session).await.map_err(Fault::from)?;
        Ok(Response::new(CheckSessionResponse { active }))
    }

    async fn check_single_sign_on(
        &self,
        request: Request<CheckSingleSignOnRequest>,
    ) -> Result<Response<CheckSingleSignOnResponse>, Status> {
        let (request, mut fields) = (request.into_inner(), Fields::default());
        let organization = fields.id("organization_id", &request.organization_id, OrganizationId::parse);
        let break_glass = fields.id("break_glass_user_id", &request.break_glass_user_id, UserId::parse);
        let (organization, break_glass) = fields.finish(organization.zip(break_glass))?;
        let found = check_single_sign_on::run(&self.resources, organization, break_glass).await.map_err(Fault::from)?;
        let check_single_sign_on::Found { has_provider, has_factor } = found;
        Ok(Response::new(CheckSingleSignOnResponse { has_provider, has_factor }))
    }

    async fn resolve_proven_emails(
        &self,
        request: Request<ResolveProvenEmailsRequest>,
    ) -> Result<Response<ResolveProvenEmailsResponse>, Status> {
        let emails = request.into_inner().emails;
        let mut fields = Fields::default();
        if emails.len() > MAX_SUBJECTS {
            fields.violate("emails", "TOO_MANY", "must name at most 1000 addresses");
        }
        let parsed: Result<Vec<EmailAddress>, _> = emails.iter().map(|text| EmailAddress::parse(text)).collect();
        if parsed.is_err() {
            fields.violate("emails", "EMAIL_MALFORMED", "must be addresses such as ada@example.org");
        }
        let emails = fields.finish(parsed.ok())?;
        let proven = proven_address::list(&self.resources, &emails).await.map_err(Fault::from)?;
        let proven = proven.into_iter().map(|(email, user_id)| {
            let (email, user_id) = (email.key().to_owned(), user_id.to_string());
            ProvenEmail { email, user_id }
        });
        Ok(Response::new(ResolveProvenEmailsResponse { proven: proven.collect() }))
    }

    async fn ingest_events(
        &self,
        request: Request<IngestEventsRequest>,
    ) -> Result<Response<IngestEventsResponse>, Status> {
        let events = request.into_inner().events;
        let mut fields = Fields::default();
        if events.len() > MAX_EVENTS {
            fields.violate("events", "TOO_MANY", "must hold at most 100 events");
        }
        let events = fields.finish(Some(events))?;
        let resources = Arc::clone(&self.resources);
        let results = detached::run(async move {
            let mut results = Vec::with_capacity(events.len());
            for event in events {
                results.push(ingest(&resources, event).await);
            }
            Ok(results)
        });
        Ok(Response::new(IngestEventsResponse { results: results.await? }))
    }
}
