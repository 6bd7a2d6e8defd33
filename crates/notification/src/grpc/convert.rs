//! Between messages and commands; all field violations of a request at once.

pub(super) mod inbox;
pub(super) mod notifications;
pub(super) mod preferences;
pub(super) mod suppressions;
pub(super) mod templates;

use rolecall_api::notification::v1 as api;
use rolecall_authz::{Caller, Scope};
use rolecall_kernel::id::{DeliveryId, OrganizationId, RequestId, SubjectId};
use rolecall_kernel::page::{PageSize, PageTokens};
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::status::violations;
use crate::app::{get_delivery, list_deliveries, retry_deliveries};
use crate::domain::category::Category;
use crate::domain::delivery::{Attempt, Delivery, Filter, State};

/// The most deliveries that are taken up at once.
const MOST_RETRIED: usize = 100;

/// Stands for all that the caller may see.
const ALL: &str = "-";

/// Reads what `ListDeliveries` needs.
pub(super) fn list(
    caller: &Caller,
    scope: Scope,
    request: &api::ListDeliveriesRequest,
    tokens: &PageTokens,
) -> Result<list_deliveries::Command, Status> {
    let mut found = Violations::default();
    let organization = organization(caller, &request.organization_id, &mut found);
    let state = state(request.state, &mut found);
    let recipient = match request.recipient_id.as_str() {
        "" => None,
        text => found.check("recipient_id", "ID_INVALID", SubjectId::parse(text)),
    };
    let size = found.check("page_size", "PAGE_SIZE_INVALID", PageSize::parse(request.page_size));
    let position = tokens.open(&binding(caller, request).each_ref().map(String::as_str), &request.page_token);
    let after = match found.check("page_token", "PAGE_TOKEN_INVALID", position).flatten() {
        None => None,
        Some(position) => {
            let text = String::from_utf8_lossy(&position).into_owned();
            found.check("page_token", "PAGE_TOKEN_INVALID", DeliveryId::parse(&text))
        }
    };
    match size {
        Some(size) if found.is_empty() => {
            let filter = Filter { organization, state, recipient };
            Ok(list_deliveries::Command { scope, own: caller.organization(), filter, after, size })
        }
        _ => Err(violations(found)),
    }
}

/// What a page token belongs to.
pub(super) fn binding(caller: &Caller, request: &api::ListDeliveriesRequest) -> [String; 5] {
    [
        "notification.ListDeliveries".to_owned(),
        caller.subject().to_string(),
        request.organization_id.clone(),
        request.state.to_string(),
        request.recipient_id.clone(),
    ]
}

/// Empty is the caller's own organization, `-` all of the scope.
fn organization(caller: &Caller, text: &str, found: &mut Violations) -> Option<OrganizationId> {
    match text {
        ALL => None,
        "" if caller.organization().is_none() => {
            found.push(
                "organization_id",
                "REQUIRED",
                "must be given, since you belong to no organization; `-` means all",
            );
            None
        }
        "" => caller.organization(),
        text => found.check("organization_id", "ID_INVALID", OrganizationId::parse(text)),
    }
}

fn state(number: i32, found: &mut Violations) -> Option<State> {
    match api::DeliveryState::try_from(number) {
        Ok(api::DeliveryState::Unspecified) => None,
        Ok(api::DeliveryState::Pending) => Some(State::Pending),
        Ok(api::DeliveryState::Sent) => Some(State::Sent),
        Ok(api::DeliveryState::Parked) => Some(State::Parked),
        Ok(api::DeliveryState::Expired) => Some(State::Expired),
        Ok(api::DeliveryState::Suppressed) => Some(State::Suppressed),
        Err(_) => {
            found.push("state", "STATE_UNKNOWN", "must be one of the values of DeliveryState");
            None
        }
    }
}

/// Reads what `GetDelivery` needs.
pub(super) fn get(scope: Scope, request: &api::GetDeliveryRequest) -> Result<get_delivery::Command, Status> {
    let mut found = Violations::default();
    match found.check("delivery_id", "ID_INVALID", DeliveryId::parse(&request.delivery_id)) {
        Some(delivery_id) => Ok(get_delivery::Command { scope, delivery_id }),
        None => Err(violations(found)),
    }
}

/// Reads what `RetryDeliveries` needs; an id that is named twice counts once.
pub(super) fn retry(
    caller: &Caller,
    scope: Scope,
    request: &api::RetryDeliveriesRequest,
) -> Result<retry_deliveries::Command, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    if request.delivery_ids.is_empty() || request.delivery_ids.len() > MOST_RETRIED {
        found.push("delivery_ids", "COUNT_INVALID", format!("must name 1 to {MOST_RETRIED} deliveries"));
    }
    let mut delivery_ids = Vec::new();
    for (index, text) in request.delivery_ids.iter().take(MOST_RETRIED).enumerate() {
        let id = found.check(&format!("delivery_ids[{index}]"), "ID_INVALID", DeliveryId::parse(text));
        delivery_ids.extend(id.filter(|id| !delivery_ids.contains(id)));
    }
    if !found.is_empty() {
        return Err(violations(found));
    }
    let call_id = call_id();
    Ok(retry_deliveries::Command { actor: caller.subject(), scope, request_id, call_id, delivery_ids })
}

/// Renders a delivery, with those of its attempts that are given.
pub(super) fn delivery(delivery: &Delivery, attempts: Vec<Attempt>) -> api::Delivery {
    let state = match delivery.state {
        State::Pending => api::DeliveryState::Pending,
        State::Sent => api::DeliveryState::Sent,
        State::Parked => api::DeliveryState::Parked,
        State::Expired => api::DeliveryState::Expired,
        State::Suppressed => api::DeliveryState::Suppressed,
    };
    api::Delivery {
        delivery_id: delivery.delivery_id.to_string(),
        organization_id: delivery.organization_id.map(|id| id.to_string()).unwrap_or_default(),
        recipient_id: delivery.recipient_id.to_string(),
        template: delivery.template.clone(),
        channel: delivery.channel.as_str().to_owned(),
        state: state.into(),
        create_time: Some(timestamp(delivery.created)),
        next_attempt_time: delivery.next_attempt.map(timestamp),
        sent_time: delivery.sent.map(timestamp),
        attempts: attempts.into_iter().map(attempt).collect(),
        attempt_count: delivery.attempt_count,
        category: category(delivery.category).into(),
        suppression: delivery.suppression.clone().unwrap_or_default(),
    }
}

fn attempt(attempt: Attempt) -> api::DeliveryAttempt {
    let Attempt { started, outcome, detail } = attempt;
    api::DeliveryAttempt { start_time: Some(timestamp(started)), outcome, detail }
}

fn request_id(text: &str, found: &mut Violations) -> Option<RequestId> {
    match text {
        "" => None,
        text => found.check("request_id", "ID_INVALID", RequestId::parse(text)),
    }
}

/// Request id of this call, for the audit log.
fn call_id() -> Option<String> {
    rolecall_rpc::call::request_id().map(|id| id.to_string())
}

/// Spells a category on the wire.
pub(super) const fn category(category: Category) -> api::Category {
    match category {
        Category::Security => api::Category::Security,
        Category::Account => api::Category::Account,
        Category::Workflow => api::Category::Workflow,
        Category::Message => api::Category::Message,
        Category::Announcement => api::Category::Announcement,
    }
}

/// Reads a category of the wire.
fn read_category(number: i32) -> Option<Category> {
    Category::ALL.into_iter().find(|known| category(*known) as i32 == number)
}

/// Spells a time on the wire.
pub(crate) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(time.subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: time.as_seconds(), nanos }
}

/// Reads a time of the wire, 0001-01-01 to 9999-12-31 as the message documents it.
pub(crate) fn time(message: prost_types::Timestamp) -> Option<Timestamp> {
    let is_in_range = (-62_135_596_800..=253_402_300_799).contains(&message.seconds);
    let nanos = u32::try_from(message.nanos).ok().filter(|nanos| is_in_range && *nanos < 1_000_000_000)?;
    Some(Timestamp::from_micros(message.seconds * 1_000_000 + i64::from(nanos / 1_000)))
}
