//! Asks organization for names, and hands it this context's events for the audit log.

use std::collections::{HashMap, HashSet};

use rolecall_api::organization::v1::membership_service_client::MembershipServiceClient;
use rolecall_api::organization::v1::{
    BatchGetMembersRequest, BatchGetOrganizationsRequest, IngestEventsRequest, IngestOutcome, IngestResult,
    IngestedEvent, ListMembersByRoleRequest, MemberState,
};
use rolecall_db::{Deliver, Event, Outcome};
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_rpc::channel::Channel;

use super::Unreachable;
use crate::grpc::convert::timestamp;

pub(super) async fn names(
    channel: Channel,
    organizations: HashSet<OrganizationId>,
) -> Result<HashMap<OrganizationId, String>, Unreachable> {
    let organization_ids = organizations.iter().map(ToString::to_string).collect();
    let request = BatchGetOrganizationsRequest { organization_ids };
    let answer = MembershipServiceClient::new(channel).batch_get_organizations(request).await;
    let answer = answer.map_err(|status| Unreachable::new("organization", &status))?.into_inner();
    let read = answer.organizations.into_iter().filter_map(|organization| {
        let id = OrganizationId::parse(&organization.organization_id).ok()?;
        Some((id, organization.name))
    });
    Ok(read.collect())
}

/// The most that are asked for at once.
const MAX_MEMBERS: usize = 1_000;

pub(super) async fn members(
    channel: Channel,
    subjects: HashSet<SubjectId>,
) -> Result<HashMap<SubjectId, OrganizationId>, Unreachable> {
    let user_ids: Vec<String> = subjects.iter().map(ToString::to_string).collect();
    let mut client = MembershipServiceClient::new(channel);
    let mut found = HashMap::with_capacity(user_ids.len());
    for user_ids in user_ids.chunks(MAX_MEMBERS).map(<[String]>::to_vec) {
        let answer = client.batch_get_members(BatchGetMembersRequest { user_ids }).await;
        let answer = answer.map_err(|status| Unreachable::new("organization", &status))?.into_inner();
        let acting = answer.members.into_iter();
        let acting = acting.filter(|member| member.state() == MemberState::Active && member.block.is_none());
        found.extend(acting.filter_map(|member| {
            let subject = SubjectId::parse(&member.user_id).ok()?;
            Some((subject, OrganizationId::parse(&member.organization_id).ok()?))
        }));
    }
    Ok(found)
}

pub(super) async fn holders(
    channel: Channel,
    organization: OrganizationId,
    role: &str,
) -> Result<(Vec<SubjectId>, bool), Unreachable> {
    let request = ListMembersByRoleRequest { organization_id: organization.to_string(), role: role.to_owned() };
    let answer = MembershipServiceClient::new(channel).list_members_by_role(request).await;
    let answer = answer.map_err(|status| Unreachable::new("organization", &status))?.into_inner();
    let holders = answer.user_ids.iter().filter_map(|id| SubjectId::parse(id).ok()).collect();
    Ok((holders, answer.has_more))
}

/// Delivers this context's outbox.
pub(crate) struct AuditLog(pub(crate) Channel);

#[async_trait::async_trait]
impl Deliver for AuditLog {
    async fn deliver(&self, _: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
        let ids: Vec<EventId> = events.iter().map(|event| event.event_id).collect();
        let request = IngestEventsRequest { events: events.into_iter().map(envelope).collect() };
        match MembershipServiceClient::new(self.0.clone()).ingest_events(request).await {
            Ok(answer) => answer.into_inner().results.iter().filter_map(outcome).collect(),
            Err(status) => {
                let reason = Unreachable::new("organization", &status).to_string();
                ids.into_iter().map(|id| (id, Outcome::Retry { reason: reason.clone() })).collect()
            }
        }
    }
}

fn envelope(event: Event) -> IngestedEvent {
    IngestedEvent {
        event_id: event.event_id.to_string(),
        topic: event.topic,
        payload: event.payload,
        occurred_time: Some(timestamp(event.occurred)),
        traceparent: event.trace.unwrap_or_default(),
        source_number: event.number.to_string(),
    }
}

fn outcome(result: &IngestResult) -> Option<(EventId, Outcome)> {
    let outcome = match result.outcome() {
        IngestOutcome::Done => Outcome::Done,
        IngestOutcome::Park => Outcome::Park { reason: result.detail.clone() },
        IngestOutcome::Retry | IngestOutcome::Unspecified => Outcome::Retry { reason: result.detail.clone() },
    };
    Some((EventId::parse(&result.event_id).ok()?, outcome))
}
