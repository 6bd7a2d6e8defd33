//! `rolecall.notification.v1.MailService`.

use std::collections::HashMap;
use std::sync::Arc;

use rolecall_api::notification::v1::mail_service_server::MailService;
use rolecall_api::notification::v1::{
    IngestEventsRequest, IngestEventsResponse, IngestOutcome, IngestResult, IngestedEvent,
};
use rolecall_authz::caller;
use rolecall_kernel::id::EventId;
use rolecall_rpc::detached;
use rolecall_rpc::status::Violations;
use tonic::{Request, Response, Status};

use super::status::violations;
use crate::app::accept_events;
use crate::context::Shared;
use crate::events::consume::{self, Reading};

/// The most events of one call.
const MOST: usize = 100;

/// Takes events of the other services.
pub(crate) struct Service(pub(crate) Arc<Shared>);

#[async_trait::async_trait]
impl MailService for Service {
    async fn ingest_events(
        &self,
        request: Request<IngestEventsRequest>,
    ) -> Result<Response<IngestEventsResponse>, Status> {
        caller(&request)?;
        let events = request.into_inner().events;
        if events.len() > MOST {
            let mut found = Violations::default();
            found.push("events", "COUNT_INVALID", format!("must hold at most {MOST} events"));
            return Err(violations(found));
        }
        let shared = Arc::clone(&self.0);
        let results = detached::run(async move { Ok(ingest(&shared, &events).await) }).await?;
        Ok(Response::new(IngestEventsResponse { results }))
    }
}

async fn ingest(shared: &Shared, events: &[IngestedEvent]) -> Vec<IngestResult> {
    let readings: Vec<Reading> = events.iter().map(consume::read).collect();
    let arrivals = readings.iter().filter_map(|reading| match reading {
        Reading::Arrival(arrival) => Some(arrival.clone()),
        Reading::NotOurs | Reading::Malformed(_) => None,
    });
    let outcomes = accept_events::run(shared, arrivals.collect()).await;
    readings.iter().zip(events).map(|(reading, event)| result(reading, event, &outcomes)).collect()
}

fn result(
    reading: &Reading,
    event: &IngestedEvent,
    outcomes: &HashMap<EventId, accept_events::Outcome>,
) -> IngestResult {
    let (outcome, detail) = match reading {
        Reading::NotOurs => (IngestOutcome::Done, String::new()),
        Reading::Malformed(reason) => (IngestOutcome::Park, reason.clone()),
        Reading::Arrival(arrival) => match outcomes.get(&arrival.event_id) {
            Some(accept_events::Outcome::Done) => (IngestOutcome::Done, String::new()),
            Some(accept_events::Outcome::Retry(reason)) => (IngestOutcome::Retry, reason.clone()),
            None => (IngestOutcome::Retry, "it was not worked on".to_owned()),
        },
    };
    IngestResult { event_id: event.event_id.clone(), outcome: outcome.into(), detail }
}
