//! Hands the outbox to its consumers.

use std::fmt;

use rolecall_api::notification::v1 as notification;
use rolecall_api::notification::v1::mail_service_client::MailServiceClient;
use rolecall_api::organization::v1 as organization;
use rolecall_api::organization::v1::membership_service_client::MembershipServiceClient;
use rolecall_db::{Consumer, Deliver, Event, Outcome};
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::channel::Channel;
use tonic::Status;

/// Who takes our events.
pub(crate) const CONSUMERS: [Consumer; 2] = [Consumer("organization"), Consumer("notification")];

/// Delivers events by calling their consumers.
#[derive(Clone)]
pub(crate) struct Delivery {
    organization: MembershipServiceClient<Channel>,
    notification: MailServiceClient<Channel>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delivery")
    }
}

impl Delivery {
    /// Takes the ways to the consumers.
    pub(crate) fn new(organization: Channel, notification: Channel) -> Self {
        Self {
            organization: MembershipServiceClient::new(organization),
            notification: MailServiceClient::new(notification),
        }
    }

    async fn to_organization(&self, events: &[Event]) -> Result<Vec<(String, i32, String)>, Status> {
        let events = events.iter().map(|event| organization::IngestedEvent {
            event_id: event.event_id.to_string(),
            topic: event.topic.clone(),
            payload: event.payload.clone(),
            occurred_time: Some(time(event.occurred)),
            traceparent: event.trace.clone().unwrap_or_default(),
            source_number: event.number.to_string(),
        });
        let request = organization::IngestEventsRequest { events: events.collect() };
        let answer = self.organization.clone().ingest_events(request).await?.into_inner();
        Ok(answer.results.into_iter().map(|result| (result.event_id, result.outcome, result.detail)).collect())
    }

    async fn to_notification(&self, events: &[Event]) -> Result<Vec<(String, i32, String)>, Status> {
        let events = events.iter().map(|event| notification::IngestedEvent {
            event_id: event.event_id.to_string(),
            topic: event.topic.clone(),
            payload: event.payload.clone(),
            occurred_time: Some(time(event.occurred)),
            traceparent: event.trace.clone().unwrap_or_default(),
        });
        let request = notification::IngestEventsRequest { events: events.collect() };
        let answer = self.notification.clone().ingest_events(request).await?.into_inner();
        Ok(answer.results.into_iter().map(|result| (result.event_id, result.outcome, result.detail)).collect())
    }
}

#[async_trait::async_trait]
impl Deliver for Delivery {
    async fn deliver(&self, consumer: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
        let answer = match consumer {
            "organization" => self.to_organization(&events).await,
            _ => self.to_notification(&events).await,
        };
        match answer {
            Ok(results) => results.into_iter().filter_map(outcome).collect(),
            Err(status) => {
                let reason = format!("{consumer} answered {:?}", status.code());
                events.iter().map(|event| (event.event_id, Outcome::Retry { reason: reason.clone() })).collect()
            }
        }
    }
}

/// The numbers are those of `IngestOutcome`, the same in every context; an unknown one is tried again.
fn outcome((event_id, outcome, reason): (String, i32, String)) -> Option<(EventId, Outcome)> {
    let event_id = EventId::parse(&event_id).ok()?;
    let outcome = match organization::IngestOutcome::try_from(outcome) {
        Ok(organization::IngestOutcome::Done) => Outcome::Done,
        Ok(organization::IngestOutcome::Park) => Outcome::Park { reason },
        Ok(organization::IngestOutcome::Retry | organization::IngestOutcome::Unspecified) | Err(_) => {
            Outcome::Retry { reason }
        }
    };
    Some((event_id, outcome))
}

fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap_or_default() }
}
