//! From an event of this context to its envelope in the outbox.

use prost::Message as _;
use rolecall_api::notification::v1::{
    CallsRefused, DeliveryParked, DeliveryRetried, DomainEvent, MailUnsubscribed, MessageAnswered,
    NotificationCancelled, NotificationSent, PreferencesUpdated, SuppressionCreated, SuppressionDeleted,
    TemplateCreated, TemplateDeleted, TemplateUpdated, domain_event,
};
use rolecall_authz::Refused;
use rolecall_db::{Consumer, Error, Event as Envelope, Tx, outbox};
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;

use crate::domain::event::{Event, What};
use crate::grpc::convert::timestamp;

/// Who hears of everything: the audit log.
pub(crate) const CONSUMERS: [Consumer; 1] = [Consumer("organization")];

/// Appends the event to the outbox, in the transaction of the change that it tells of.
pub(crate) async fn append(tx: &Tx, event: &Event) -> Result<(), Error> {
    let (topic, what) = encode(event);
    let message = DomainEvent {
        actor_id: event.actor.map(|id| id.to_string()).unwrap_or_default(),
        organization_id: event.organization_id.map(|id| id.to_string()).unwrap_or_default(),
        target_id: event.target.map(|id| id.to_string()).unwrap_or_default(),
        request_id: event.request_id.clone().unwrap_or_default(),
        occurred_time: Some(timestamp(event.occurred)),
        event: Some(what),
    };
    let envelope = Envelope {
        event_id: event.event_id,
        topic: topic.to_owned(),
        subject: subject(event),
        organization_id: event.organization_id,
        occurred: event.occurred,
        payload: message.encode_to_vec(),
        trace: rolecall_telemetry::context::current(),
        number: 0,
    };
    outbox::append(tx, &envelope, &CONSUMERS).await
}

/// Appends that calls were refused.
pub(crate) async fn append_refused(tx: &Tx, event_id: EventId, refused: &Refused, now: Timestamp) -> Result<(), Error> {
    let calls = CallsRefused {
        method: refused.method.to_string(),
        count: i32::try_from(refused.count).unwrap_or(i32::MAX),
        reasons: refused.reasons.iter().cloned().collect(),
    };
    let message = DomainEvent {
        actor_id: refused.caller.map(|id| id.to_string()).unwrap_or_default(),
        organization_id: refused.organization.map(|id| id.to_string()).unwrap_or_default(),
        occurred_time: Some(timestamp(now)),
        event: Some(domain_event::Event::CallsRefused(calls)),
        ..DomainEvent::default()
    };
    let envelope = Envelope {
        event_id,
        topic: "notification.calls_refused".to_owned(),
        // Needs no order among others.
        subject: event_id.to_string(),
        organization_id: refused.organization,
        occurred: now,
        payload: message.encode_to_vec(),
        trace: None,
        number: 0,
    };
    outbox::append(tx, &envelope, &CONSUMERS).await
}

/// Events of one subject are told in their order.
fn subject(event: &Event) -> String {
    match &event.what {
        What::DeliveryRetried(id) | What::DeliveryParked(id, _) => id.to_string(),
        What::NotificationSent { notification_id: id, .. } | What::NotificationCancelled(id) => id.to_string(),
        What::MessageAnswered(id) => id.to_string(),
        What::TemplateCreated(id, _) | What::TemplateUpdated(id, ..) | What::TemplateDeleted(id, _) => id.to_string(),
        // Needs no order among others.
        What::SuppressionCreated(_) | What::SuppressionDeleted => event.event_id.to_string(),
        What::PreferencesUpdated(_) | What::MailUnsubscribed(_) => {
            event.target.map(|id| id.to_string()).unwrap_or_default()
        }
    }
}

fn encode(event: &Event) -> (&'static str, domain_event::Event) {
    use domain_event::Event as Wire;
    match &event.what {
        What::DeliveryRetried(id) => {
            let retried = DeliveryRetried { delivery_id: id.to_string() };
            ("notification.delivery_retried", Wire::DeliveryRetried(retried))
        }
        What::DeliveryParked(id, template) => {
            let parked = DeliveryParked { delivery_id: id.to_string(), template: template.clone() };
            ("notification.delivery_parked", Wire::DeliveryParked(parked))
        }
        What::PreferencesUpdated(fields) => {
            let updated = PreferencesUpdated { fields: fields.iter().map(|field| (*field).to_owned()).collect() };
            ("notification.preferences_updated", Wire::PreferencesUpdated(updated))
        }
        What::MailUnsubscribed(categories) => {
            let names: Vec<_> = categories.iter().map(|category| category.as_str()).collect();
            let unsubscribed = MailUnsubscribed { category: names.join(",") };
            ("notification.mail_unsubscribed", Wire::MailUnsubscribed(unsubscribed))
        }
        What::NotificationSent { notification_id, category, recipient_count } => {
            let (notification_id, category) = (notification_id.to_string(), (*category).to_owned());
            let sent = NotificationSent { notification_id, category, recipient_count: *recipient_count };
            ("notification.notification_sent", Wire::NotificationSent(sent))
        }
        What::NotificationCancelled(id) => {
            let cancelled = NotificationCancelled { notification_id: id.to_string() };
            ("notification.notification_cancelled", Wire::NotificationCancelled(cancelled))
        }
        What::MessageAnswered(id) => {
            let answered = MessageAnswered { message_id: id.to_string() };
            ("notification.message_answered", Wire::MessageAnswered(answered))
        }
        What::TemplateCreated(id, name) => {
            let created = TemplateCreated { template_id: id.to_string(), name: name.clone() };
            ("notification.template_created", Wire::TemplateCreated(created))
        }
        What::TemplateUpdated(id, name, version) => {
            let updated = TemplateUpdated { template_id: id.to_string(), name: name.clone(), version: *version };
            ("notification.template_updated", Wire::TemplateUpdated(updated))
        }
        What::SuppressionCreated(reason) => {
            let created = SuppressionCreated { reason: reason.as_str().to_owned() };
            ("notification.suppression_created", Wire::SuppressionCreated(created))
        }
        What::SuppressionDeleted => {
            ("notification.suppression_deleted", Wire::SuppressionDeleted(SuppressionDeleted {}))
        }
        What::TemplateDeleted(id, name) => {
            let deleted = TemplateDeleted { template_id: id.to_string(), name: name.clone() };
            ("notification.template_deleted", Wire::TemplateDeleted(deleted))
        }
    }
}
