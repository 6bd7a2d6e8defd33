//! `rolecall.organization.v1.MembershipService`: closed to all but the services of the suite.

use std::sync::Arc;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::membership_service_server::MembershipService;
use rolecall_authz::caller;
use rolecall_kernel::id::{OrganizationId, ServiceAccountId, SubjectId, UserId};
use rolecall_rpc::detached;
use tonic::{Request, Response, Status};

use super::{Api, MembershipApi, convert, origin, render, status};
use crate::app::{
    activate_member, add_guest, add_member, add_service_account, bootstrap_organization, confirm_member, end_member,
    ingest_events, read_members, read_organizations, register_member, remove_guest, remove_member,
    remove_service_account, subject_access, update_member_roles, update_service_account, yield_member,
};
use crate::domain::audit::AuditEvent;

/// The most events that are taken at once.
const MAX_EVENTS: usize = 100;

/// The most members of a role that are told at once.
const MAX_MEMBERS: usize = 1_000;

#[tonic::async_trait]
impl MembershipService for MembershipApi {
    async fn bootstrap_organization(
        &self,
        request: Request<pb::BootstrapOrganizationRequest>,
    ) -> Result<Response<pb::BootstrapOrganizationResponse>, Status> {
        let command = convert::bootstrap_organization(&*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            bootstrap_organization::run(&api.app, &command).await.map_err(status::bootstrap_organization)?;
            Ok(Response::new(pb::BootstrapOrganizationResponse {}))
        })
        .await
    }

    async fn add_member(
        &self,
        request: Request<pb::AddMemberRequest>,
    ) -> Result<Response<pb::AddMemberResponse>, Status> {
        let (user, command) = convert::add_member(request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let organization = add_member::run(&api.app, user, &command).await.map_err(status::add_member)?;
            Ok(Response::new(pb::AddMemberResponse { organization: Some(render::organization(&organization)) }))
        })
        .await
    }

    async fn check_add_member(
        &self,
        request: Request<pb::CheckAddMemberRequest>,
    ) -> Result<Response<pb::CheckAddMemberResponse>, Status> {
        let command = convert::check_add_member(request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let organization = add_member::check(&api.app, &command).await.map_err(status::add_member)?;
            Ok(Response::new(pb::CheckAddMemberResponse { organization: Some(render::organization(&organization)) }))
        })
        .await
    }

    async fn register_member(
        &self,
        request: Request<pb::RegisterMemberRequest>,
    ) -> Result<Response<pb::RegisterMemberResponse>, Status> {
        let (user, command) = convert::register_member(request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let organization = match user {
                Some(user) => register_member::run(&api.app, user, &command).await,
                None => register_member::check(&api.app, &command).await,
            };
            let organization = render::organization(&organization.map_err(status::register_member)?);
            Ok(Response::new(pb::RegisterMemberResponse { organization: Some(organization) }))
        })
        .await
    }

    async fn yield_member(
        &self,
        request: Request<pb::YieldMemberRequest>,
    ) -> Result<Response<pb::YieldMemberResponse>, Status> {
        let origin = origin(&*caller(&request)?);
        let user = convert::one_id("user_id", &request.into_inner().user_id, UserId::parse)?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            yield_member::run(&api.app, user, &origin).await.map_err(status::yield_member)?;
            Ok(Response::new(pb::YieldMemberResponse {}))
        })
        .await
    }

    async fn confirm_member(
        &self,
        request: Request<pb::ConfirmMemberRequest>,
    ) -> Result<Response<pb::ConfirmMemberResponse>, Status> {
        let origin = origin(&*caller(&request)?);
        let user = convert::one_id("user_id", &request.into_inner().user_id, UserId::parse)?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            confirm_member::run(&api.app, user, &origin).await.map_err(status::confirm_member)?;
            Ok(Response::new(pb::ConfirmMemberResponse {}))
        })
        .await
    }

    async fn activate_member(
        &self,
        request: Request<pb::ActivateMemberRequest>,
    ) -> Result<Response<pb::ActivateMemberResponse>, Status> {
        let origin = origin(&*caller(&request)?);
        let (user, inviter) = convert::activate_member(request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let activated = activate_member::run(&api.app, user, inviter, &origin).await;
            let member = activated.map_err(status::activate_member)?;
            Ok(Response::new(pb::ActivateMemberResponse { member: Some(render::member(&member, api.app.now())) }))
        })
        .await
    }

    async fn remove_member(
        &self,
        request: Request<pb::RemoveMemberRequest>,
    ) -> Result<Response<pb::RemoveMemberResponse>, Status> {
        let origin = origin(&*caller(&request)?);
        let user = convert::one_id("user_id", &request.into_inner().user_id, UserId::parse)?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            remove_member::run(&api.app, user, &origin).await.map_err(status::remove_member)?;
            Ok(Response::new(pb::RemoveMemberResponse {}))
        })
        .await
    }

    async fn end_member(
        &self,
        request: Request<pb::EndMemberRequest>,
    ) -> Result<Response<pb::EndMemberResponse>, Status> {
        let origin = origin(&*caller(&request)?);
        let (user, actor) = convert::end_member(request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            end_member::run(&api.app, user, actor, &origin).await.map_err(status::end_member)?;
            Ok(Response::new(pb::EndMemberResponse {}))
        })
        .await
    }

    async fn change_member_roles(
        &self,
        request: Request<pb::ChangeMemberRolesRequest>,
    ) -> Result<Response<pb::ChangeMemberRolesResponse>, Status> {
        let command = convert::change_member_roles(request.get_ref())?;
        let validate_only = request.get_ref().validate_only;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let member = if validate_only {
                update_member_roles::check(&api.app, &command).await
            } else {
                update_member_roles::change(&api.app, &command).await
            };
            let member = member.map_err(status::change_member)?;
            Ok(Response::new(pb::ChangeMemberRolesResponse { member: Some(render::member(&member, api.app.now())) }))
        })
        .await
    }

    async fn batch_get_members(
        &self,
        request: Request<pb::BatchGetMembersRequest>,
    ) -> Result<Response<pb::BatchGetMembersResponse>, Status> {
        let users = convert::batch_ids("user_ids", &request.into_inner().user_ids, UserId::parse)?;
        let members = read_members::list_by_id(&self.0.app, &users).await.map_err(status::store)?;
        let now = self.0.app.now();
        let members = members.iter().map(|member| render::member(member, now)).collect();
        Ok(Response::new(pb::BatchGetMembersResponse { members }))
    }

    async fn list_members_by_role(
        &self,
        request: Request<pb::ListMembersByRoleRequest>,
    ) -> Result<Response<pb::ListMembersByRoleResponse>, Status> {
        let request = request.into_inner();
        let organization = convert::one_id("organization_id", &request.organization_id, OrganizationId::parse)?;
        let most = MAX_MEMBERS as u64 + 1;
        let mut members = match convert::role_term(&request.role) {
            Some(role) => {
                read_members::list_acting(&self.0.app, organization, role, most).await.map_err(status::store)?
            }
            // Nobody holds a role that there is not.
            None => Vec::new(),
        };
        let has_more = members.len() > MAX_MEMBERS;
        members.truncate(MAX_MEMBERS);
        let user_ids = members.iter().map(|member| member.user_id.to_string()).collect();
        Ok(Response::new(pb::ListMembersByRoleResponse { user_ids, has_more }))
    }

    async fn batch_get_organizations(
        &self,
        request: Request<pb::BatchGetOrganizationsRequest>,
    ) -> Result<Response<pb::BatchGetOrganizationsResponse>, Status> {
        let request = request.into_inner();
        let ids = convert::batch_ids("organization_ids", &request.organization_ids, OrganizationId::parse)?;
        let found = read_organizations::list_by_id(&self.0.app, &ids).await.map_err(status::store)?;
        let organizations = found.iter().map(|(found, _)| render::organization(found)).collect();
        let settings = found.iter().map(|(_, settings)| render::settings(settings)).collect();
        Ok(Response::new(pb::BatchGetOrganizationsResponse { organizations, settings }))
    }

    async fn add_service_account(
        &self,
        request: Request<pb::AddServiceAccountRequest>,
    ) -> Result<Response<pb::AddServiceAccountResponse>, Status> {
        let command = convert::add_service_account(&*caller(&request)?, request.get_ref())?;
        let validate_only = request.get_ref().validate_only;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let added = if validate_only {
                add_service_account::check(&api.app, &command).await
            } else {
                add_service_account::run(&api.app, &command).await
            };
            let organization = added.map_err(status::add_service_account)?;
            let organization_id = organization.map(|id| id.to_string()).unwrap_or_default();
            Ok(Response::new(pb::AddServiceAccountResponse { organization_id }))
        })
        .await
    }

    async fn remove_service_account(
        &self,
        request: Request<pb::RemoveServiceAccountRequest>,
    ) -> Result<Response<pb::RemoveServiceAccountResponse>, Status> {
        let origin = origin(&*caller(&request)?);
        let text = request.into_inner().service_account_id;
        let id = convert::one_id("service_account_id", &text, ServiceAccountId::parse)?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            remove_service_account::run(&api.app, id, &origin).await.map_err(status::store)?;
            Ok(Response::new(pb::RemoveServiceAccountResponse {}))
        })
        .await
    }

    async fn update_service_account(
        &self,
        request: Request<pb::UpdateServiceAccountRequest>,
    ) -> Result<Response<pb::UpdateServiceAccountResponse>, Status> {
        let command = convert::update_service_account(&*caller(&request)?, request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            update_service_account::run(&api.app, &command).await.map_err(status::update_service_account)?;
            Ok(Response::new(pb::UpdateServiceAccountResponse {}))
        })
        .await
    }

    async fn add_guest(&self, request: Request<pb::AddGuestRequest>) -> Result<Response<pb::AddGuestResponse>, Status> {
        let command = convert::add_guest(request.get_ref())?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let organization = add_guest::run(&api.app, &command).await.map_err(status::add_guest)?;
            Ok(Response::new(pb::AddGuestResponse { organization_id: organization.to_string() }))
        })
        .await
    }

    async fn remove_guest(
        &self,
        request: Request<pb::RemoveGuestRequest>,
    ) -> Result<Response<pb::RemoveGuestResponse>, Status> {
        let origin = origin(&*caller(&request)?);
        let guest = convert::one_id("guest_id", &request.into_inner().guest_id, SubjectId::parse)?;
        let api = Arc::clone(&self.0);
        detached::run(async move {
            remove_guest::run(&api.app, guest, &origin).await.map_err(status::store)?;
            Ok(Response::new(pb::RemoveGuestResponse {}))
        })
        .await
    }

    async fn get_subject_access(
        &self,
        request: Request<pb::GetSubjectAccessRequest>,
    ) -> Result<Response<pb::GetSubjectAccessResponse>, Status> {
        let subject = convert::one_id("subject_id", &request.into_inner().subject_id, SubjectId::parse)?;
        let app = &self.0.app;
        let read = subject_access::read(&app.database, app.clock.as_ref(), subject).await.map_err(status::store)?;
        let snapshot = read.ok_or_else(status::subject_not_found)?;
        Ok(Response::new(render::subject_access(&snapshot)))
    }

    async fn ingest_events(
        &self,
        request: Request<pb::IngestEventsRequest>,
    ) -> Result<Response<pb::IngestEventsResponse>, Status> {
        let caller = caller(&request)?;
        let events = request.into_inner().events;
        if events.len() > MAX_EVENTS {
            return Err(status::invalid_field("events", "TOO_MANY", "must have at most 100 entries"));
        }
        let api = Arc::clone(&self.0);
        detached::run(async move {
            let results = ingest(&api, caller.service(), &events).await;
            Ok(Response::new(pb::IngestEventsResponse { results }))
        })
        .await
    }
}

/// Takes what can be read in one transaction, and says of each event what became of it.
async fn ingest(api: &Api, service: Option<&str>, events: &[pb::IngestedEvent]) -> Vec<pb::IngestResult> {
    let read: Vec<Result<AuditEvent, String>> =
        events.iter().map(|event| convert::ingested(&api.events, service, event)).collect();
    let readable: Vec<AuditEvent> = read.iter().filter_map(|event| event.as_ref().ok().cloned()).collect();
    let stored = ingest_events::run(&api.app, &readable).await;
    let outcome = |read: &Result<AuditEvent, String>| match (read, &stored) {
        (Err(why), _) => (pb::IngestOutcome::Park, why.clone()),
        (Ok(_), Ok(())) => (pb::IngestOutcome::Done, String::new()),
        (Ok(_), Err(error)) => (pb::IngestOutcome::Retry, error.to_string()),
    };
    let results = events.iter().zip(&read).map(|(event, read)| {
        let (outcome, detail) = outcome(read);
        pb::IngestResult { event_id: event.event_id.clone(), outcome: outcome.into(), detail }
    });
    results.collect()
}
