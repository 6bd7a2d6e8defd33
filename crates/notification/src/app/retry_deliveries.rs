//! Takes parked deliveries up again: all that are named, or none.

use rolecall_authz::{Permit, Scope};
use rolecall_db::Tx;
use rolecall_db::idempotency::{self, Fingerprint};
use rolecall_kernel::id::{DeliveryId, EventId, RequestId, SubjectId};
use rolecall_kernel::time::Timestamp;

use crate::context::Shared;
use crate::domain::delivery::{Delivery, State};
use crate::domain::event::{Event, What};
use crate::events::publish;
use crate::store::deliveries;

/// The name under which repeats are recognised.
const METHOD: &str = "notification.DeliveryService/RetryDeliveries";

/// Which deliveries, and who asks.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) actor: SubjectId,
    pub(crate) scope: Scope,
    /// The caller's name for this one change.
    pub(crate) request_id: Option<RequestId>,
    /// Request id of the call, for the audit log.
    pub(crate) call_id: Option<String>,
    /// Without repeats.
    pub(crate) delivery_ids: Vec<DeliveryId>,
}

/// Why none is taken up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such delivery")]
    NotFound(DeliveryId),
    #[error("it is not parked")]
    NotParked(DeliveryId),
    #[error("its secret is gone")]
    SecretGone(DeliveryId),
    #[error("the request id was used with other content")]
    RequestIdReused(RequestId),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Makes the deliveries pending again and returns them in the order of the command.
pub(crate) async fn run(shared: &Shared, command: Command) -> Result<Vec<Delivery>, Error> {
    if let Some(answer) = find_answer(shared, &command).await? {
        return Ok(answer);
    }
    let (now, command) = (shared.clock.now(), &command);
    let retried = shared.database.write(|tx| async move { retry(shared, &tx, command, now).await }).await;
    match retried {
        Ok(answer) => {
            shared.wake.notify_one();
            Ok(answer)
        }
        // The same request ran beside this one and was faster.
        Err(Error::Store(error)) if error.violates(idempotency::CONSTRAINT) => {
            find_answer(shared, command).await?.ok_or(Error::Store(error))
        }
        Err(error) => Err(error),
    }
}

async fn retry(shared: &Shared, tx: &Tx, command: &Command, now: Timestamp) -> Result<Vec<Delivery>, Error> {
    if let Some(request_id) = command.request_id {
        let fingerprint = fingerprint(shared, command);
        idempotency::store(tx, command.actor, METHOD, request_id, &fingerprint, &[], now).await?;
    }
    let found = deliveries::lock(tx, &command.scope, &command.delivery_ids).await?;
    check(command, &found)?;
    deliveries::update_retried(tx, &found, now).await?;
    for (delivery, _) in &found {
        publish::append(tx, &retried(shared, command, delivery, now)).await?;
    }
    let answer = deliveries::list_by_id(tx, &command.scope, &command.delivery_ids).await?;
    in_order(command, answer)
}

/// Names the first delivery, in the order of the command, that stands in the way.
fn check(command: &Command, found: &[(Delivery, Permit)]) -> Result<(), Error> {
    for id in &command.delivery_ids {
        match found.iter().find(|(delivery, _)| delivery.delivery_id == *id) {
            None => return Err(Error::NotFound(*id)),
            Some((delivery, _)) if delivery.state != State::Parked => return Err(Error::NotParked(*id)),
            Some((delivery, _)) if delivery.is_secret_gone => return Err(Error::SecretGone(*id)),
            Some(_) => {}
        }
    }
    Ok(())
}

fn in_order(command: &Command, mut found: Vec<Delivery>) -> Result<Vec<Delivery>, Error> {
    let mut ordered = Vec::with_capacity(found.len());
    for id in &command.delivery_ids {
        let index = found.iter().position(|delivery| delivery.delivery_id == *id).ok_or(Error::NotFound(*id))?;
        ordered.push(found.swap_remove(index));
    }
    Ok(ordered)
}

/// Answers a repeat with the same deliveries, as they are by now.
async fn find_answer(shared: &Shared, command: &Command) -> Result<Option<Vec<Delivery>>, Error> {
    let Some(request_id) = command.request_id else { return Ok(None) };
    let reader = shared.database.reader();
    match idempotency::find(&reader, command.actor, METHOD, request_id).await? {
        None => Ok(None),
        Some(stored) if stored.fingerprint != fingerprint(shared, command) => Err(Error::RequestIdReused(request_id)),
        Some(_) => {
            let found = deliveries::list_by_id(&reader, &command.scope, &command.delivery_ids).await?;
            in_order(command, found).map(Some)
        }
    }
}

fn fingerprint(shared: &Shared, command: &Command) -> Fingerprint {
    let ids: Vec<u8> = command.delivery_ids.iter().flat_map(|id| id.as_uuid().into_bytes()).collect();
    Fingerprint::new(&shared.fingerprints, METHOD, &ids)
}

fn retried(shared: &Shared, command: &Command, delivery: &Delivery, now: Timestamp) -> Event {
    Event {
        event_id: EventId::new(now, &*shared.entropy),
        actor: Some(command.actor),
        organization_id: delivery.organization_id,
        target: Some(delivery.recipient_id),
        request_id: command.call_id.clone(),
        occurred: now,
        what: What::DeliveryRetried(delivery.delivery_id),
    }
}
