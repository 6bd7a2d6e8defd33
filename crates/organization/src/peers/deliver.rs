//! Hands the events of this context to those who are told.

use rolecall_api::identity::v1 as identity;
use rolecall_api::identity::v1::directory_service_client::DirectoryServiceClient;
use rolecall_api::notification::v1 as notification;
use rolecall_api::notification::v1::mail_service_client::MailServiceClient;
use rolecall_api::organization::v1 as organization;
use rolecall_api::organization::v1::membership_service_client::MembershipServiceClient;
use rolecall_db::{Deliver, Event, Outcome};
use rolecall_kernel::id::EventId;
use rolecall_rpc::channel::Channel;
use tonic::Status;

use super::Peers;
use crate::events::publish::timestamp;

/// Delivers by calling the consumer.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    identity: DirectoryServiceClient<Channel>,
    organization: MembershipServiceClient<Channel>,
    notification: MailServiceClient<Channel>,
}

impl Delivery {
    pub(crate) fn new(peers: &Peers) -> Self {
        Self {
            identity: DirectoryServiceClient::new(peers.identity.clone()),
            organization: MembershipServiceClient::new(peers.organization.clone()),
            notification: MailServiceClient::new(peers.notification.clone()),
        }
    }
}

/// The messages of the three contexts are the same but for their package; only the audit log counts.
macro_rules! call {
    ($client:expr, $context:ident, $events:expr $(, $number:ident)?) => {{
        let events = $events.iter().map(|event| $context::IngestedEvent {
            event_id: event.event_id.to_string(),
            topic: event.topic.clone(),
            payload: event.payload.clone(),
            occurred_time: Some(timestamp(event.occurred)),
            traceparent: event.trace.clone().unwrap_or_default(),
            $($number: event.number.to_string(),)?
        });
        let request = $context::IngestEventsRequest { events: events.collect() };
        let answer = $client.clone().ingest_events(request).await;
        answer.map(|answer| {
            let results = answer.into_inner().results.into_iter().map(|result| {
                let outcome = match result.outcome() {
                    $context::IngestOutcome::Done => Outcome::Done,
                    $context::IngestOutcome::Park => Outcome::Park { reason: result.detail.clone() },
                    $context::IngestOutcome::Retry | $context::IngestOutcome::Unspecified => {
                        Outcome::Retry { reason: result.detail.clone() }
                    }
                };
                (result.event_id, outcome)
            });
            results.collect::<Vec<_>>()
        })
    }};
}

#[async_trait::async_trait]
impl Deliver for Delivery {
    async fn deliver(&self, consumer: &'static str, events: Vec<Event>) -> Vec<(EventId, Outcome)> {
        let answer = match consumer {
            "identity" => call!(self.identity, identity, events),
            "organization" => call!(self.organization, organization, events, source_number),
            "notification" => call!(self.notification, notification, events),
            _ => Ok(Vec::new()),
        };
        match answer {
            Ok(results) => {
                results.into_iter().filter_map(|(id, outcome)| Some((EventId::parse(&id).ok()?, outcome))).collect()
            }
            Err(status) => all(&events, &retry(&status)),
        }
    }
}

fn retry(status: &Status) -> Outcome {
    Outcome::Retry { reason: format!("{:?}: {}", status.code(), status.message()) }
}

fn all(events: &[Event], outcome: &Outcome) -> Vec<(EventId, Outcome)> {
    events.iter().map(|event| (event.event_id, outcome.clone())).collect()
}
