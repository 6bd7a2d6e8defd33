//! Events of other contexts, as commands: each is worked on once.

use prost::Message as _;
use rolecall_api::organization::v1 as organization;
use rolecall_api::organization::v1::domain_event::Event as Wire;
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use crate::app::fault::Fault;
use crate::app::{Resources, end_codes_of_changed, end_organization, end_sessions_of_blocked, require_sso};

/// What becomes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done, now or before, or concerns somebody else.
    Done,
    /// Send it again later.
    Retry(&'static str),
    /// It can never be worked on.
    Park(&'static str),
}

/// An event as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    /// Its name.
    pub(crate) event_id: EventId,
    /// What happened.
    pub(crate) topic: String,
    /// The encoded message.
    pub(crate) payload: Vec<u8>,
    /// When it happened.
    pub(crate) occurred: Timestamp,
}

/// What is worked on here.
const TOPICS: [&str; 4] = [
    "organization.member_blocked",
    "organization.member_roles_changed",
    "organization.single_sign_on_required",
    "organization.organization_deleted",
];

/// Works on one event.
pub(crate) async fn consume(resources: &Resources, arrived: &Arrived) -> Outcome {
    if !TOPICS.contains(&arrived.topic.as_str()) {
        return Outcome::Done;
    }
    let Ok(message) = organization::DomainEvent::decode(arrived.payload.as_slice()) else {
        return Outcome::Park("the payload is no DomainEvent of organization");
    };
    let (event_id, when) = (arrived.event_id, arrived.occurred);
    if let Some(Wire::SingleSignOnRequired(required)) = &message.event {
        let ids = (OrganizationId::parse(&message.organization_id), UserId::parse(&required.break_glass_user_id));
        let previous = Some(&required.previous_break_glass_user_id).filter(|id| !id.is_empty());
        let ((Ok(organization_id), Ok(break_glass)), Ok(previous)) =
            (ids, previous.map(|id| UserId::parse(id)).transpose())
        else {
            return Outcome::Park("the event does not say where it happened");
        };
        let command = require_sso::Command { event_id, organization_id, break_glass, previous, required_at: when };
        return settle(require_sso::run(resources, &command).await, &arrived.topic);
    }
    if matches!(message.event, Some(Wire::OrganizationDeleted(_))) {
        let ids = (OrganizationId::parse(&message.organization_id), SubjectId::parse(&message.actor_id));
        let (Ok(organization_id), Ok(actor)) = ids else {
            return Outcome::Park("the event does not say where it happened");
        };
        let command = end_organization::Command { event_id, organization_id, actor, deleted_at: when };
        return settle(end_organization::run(resources, &command).await.map_err(Fault::from), &arrived.topic);
    }
    let Ok(user_id) = UserId::parse(&message.target_id) else {
        return Outcome::Park("the event does not say whom it happened to");
    };
    let done = match message.event {
        Some(Wire::MemberBlocked(_)) => {
            let command = end_sessions_of_blocked::Command { event_id, user_id, blocked_at: when };
            end_sessions_of_blocked::run(resources, &command).await
        }
        Some(Wire::MemberRolesChanged(_)) => {
            let command = end_codes_of_changed::Command { event_id, user_id, changed_at: when };
            end_codes_of_changed::run(resources, &command).await
        }
        _ => return Outcome::Park("the payload does not fit its topic"),
    };
    settle(done.map_err(Fault::from), &arrived.topic)
}

fn settle(done: Result<(), Fault>, topic: &str) -> Outcome {
    match done {
        Ok(()) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, topic, "an event could not be worked on");
            Outcome::Retry("the database, or another service, did not answer as it should")
        }
    }
}
