//! Events of other contexts, as commands: each is worked on once.

use prost::Message as _;
use rolecall_api::organization::v1 as organization;
use rolecall_api::organization::v1::domain_event::Event as Wire;
use rolecall_kernel::id::{EventId, UserId};
use rolecall_kernel::time::Timestamp;

use crate::app::Resources;
use crate::app::end_sessions_of_blocked::{self, Command};

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
    if arrived.topic != "organization.member_blocked" {
        return Outcome::Done;
    }
    let Ok(message) = organization::DomainEvent::decode(arrived.payload.as_slice()) else {
        return Outcome::Park("the payload is no DomainEvent of organization");
    };
    let (Some(Wire::MemberBlocked(_)), Ok(user_id)) = (&message.event, UserId::parse(&message.target_id)) else {
        return Outcome::Park("the event does not say whom it happened to");
    };
    let command = Command { event_id: arrived.event_id, user_id, blocked_at: arrived.occurred };
    match end_sessions_of_blocked::run(resources, &command).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, "the sessions of a blocked person could not be ended");
            Outcome::Retry("the database did not answer as it should")
        }
    }
}
