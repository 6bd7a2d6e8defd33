//! Events of other contexts, as commands: each is worked on once.

use prost::Message as _;
use rolecall_api::organization::v1 as organization;
use rolecall_api::organization::v1::domain_event::Event as Wire;
use rolecall_kernel::id::{EventId, UserId};
use rolecall_kernel::time::Timestamp;

use crate::app::{Resources, end_codes_of_changed, end_sessions_of_blocked};

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

/// Works on one event.
pub(crate) async fn consume(resources: &Resources, arrived: &Arrived) -> Outcome {
    if !["organization.member_blocked", "organization.member_roles_changed"].contains(&arrived.topic.as_str()) {
        return Outcome::Done;
    }
    let Ok(message) = organization::DomainEvent::decode(arrived.payload.as_slice()) else {
        return Outcome::Park("the payload is no DomainEvent of organization");
    };
    let Ok(user_id) = UserId::parse(&message.target_id) else {
        return Outcome::Park("the event does not say whom it happened to");
    };
    let (event_id, when) = (arrived.event_id, arrived.occurred);
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
    match done {
        Ok(()) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, topic = arrived.topic, "an event could not be worked on");
            Outcome::Retry("the database did not answer as it should")
        }
    }
}
