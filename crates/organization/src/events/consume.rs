//! Events of all contexts as entries of the audit log, read through the descriptor: a new event
//! needs no line here.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

use crate::domain::audit::AuditEvent;

/// The descriptors of this program cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the descriptors of the events cannot be read")]
pub struct DescriptorError(#[from] prost_reflect::DescriptorError);

/// Why an event can never become an entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// No context has events of this topic.
    #[error("no context has events of this topic")]
    Topic,
    /// The payload is not the event that the topic names.
    #[error("the payload is not the event that the topic names")]
    Payload,
}

/// Reads events of every context.
#[derive(Debug, Clone)]
pub(crate) struct EventReader(DescriptorPool);

impl EventReader {
    /// Reads the descriptors of all events.
    pub(crate) fn new() -> Result<Self, DescriptorError> {
        Ok(Self(DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET)?))
    }

    /// Reads an event as an entry of the audit log.
    pub(crate) fn read(
        &self,
        event_id: EventId,
        topic: &str,
        payload: &[u8],
        occurred: Timestamp,
        source_number: i64,
    ) -> Result<AuditEvent, Unreadable> {
        let (context, name) = topic.split_once('.').ok_or(Unreadable::Topic)?;
        let message = format!("rolecall.{context}.v1.DomainEvent");
        let descriptor = self.0.get_message_by_name(&message).ok_or(Unreadable::Topic)?;
        let field = descriptor.get_field_by_name(name).ok_or(Unreadable::Topic)?;
        if field.containing_oneof().is_none_or(|oneof| oneof.name() != "event") {
            return Err(Unreadable::Topic);
        }
        let message = DynamicMessage::decode(descriptor, payload).map_err(|_| Unreadable::Payload)?;
        if !message.has_field(&field) {
            return Err(Unreadable::Payload);
        }
        let details = message.get_field(&field);
        Ok(AuditEvent {
            event_id,
            topic: topic.to_owned(),
            actor_id: id(&message, "actor_id")?,
            on_behalf_of_id: id(&message, "on_behalf_of_id")?,
            organization_id: id(&message, "organization_id")?,
            target_id: id(&message, "target_id")?,
            request_id: text(&message, "request_id"),
            occurred,
            source_number,
            details: details.as_message().map(flatten).unwrap_or_default(),
        })
    }
}

fn text(message: &DynamicMessage, name: &str) -> String {
    message.get_field_by_name(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn id(message: &DynamicMessage, name: &str) -> Result<Option<Uuid>, Unreadable> {
    let text = text(message, name);
    if text.is_empty() {
        return Ok(None);
    }
    Uuid::try_parse(&text).map(Some).map_err(|_| Unreadable::Payload)
}

/// The fields of an event that hold something, by name.
fn flatten(message: &DynamicMessage) -> BTreeMap<String, String> {
    let named = |(field, value): (FieldDescriptor, &Value)| (field.name().to_owned(), show(value));
    message.fields().map(named).filter(|(_, value)| !value.is_empty()).collect()
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::List(values) => values.iter().map(show).collect::<Vec<_>>().join(","),
        Value::Message(message) => match message.transcode_to::<prost_types::Timestamp>() {
            Ok(time) if message.descriptor().full_name() == "google.protobuf.Timestamp" => time.to_string(),
            _ => String::new(),
        },
        Value::Bool(value) => value.to_string(),
        Value::I32(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        // Nothing that is told so far; what cannot be read by people is left out.
        Value::F32(_) | Value::F64(_) | Value::Bytes(_) | Value::EnumNumber(_) | Value::Map(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use rolecall_api::{identity, organization};
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn read(topic: &str, payload: &[u8]) -> Result<AuditEvent, Unreadable> {
        let reader = EventReader::new().expect("the descriptors are ours");
        reader.read(EventId::new(NOW, &SystemEntropy), topic, payload, NOW, 0)
    }

    #[test]
    fn events_of_every_context_are_flattened_by_name() {
        let roles = organization::v1::MemberRolesChanged {
            old_roles: vec!["GUEST".to_owned()],
            new_roles: vec!["DATA_STEWARD".to_owned(), "OWNER".to_owned()],
        };
        let event = organization::v1::DomainEvent {
            request_id: "r-1".to_owned(),
            event: Some(organization::v1::domain_event::Event::MemberRolesChanged(roles)),
            ..Default::default()
        };
        let entry = read("organization.member_roles_changed", &event.encode_to_vec()).expect("readable");
        assert_eq!(entry.request_id, "r-1");
        assert_eq!(entry.details.get("old_roles").map(String::as_str), Some("GUEST"));
        assert_eq!(entry.details.get("new_roles").map(String::as_str), Some("DATA_STEWARD,OWNER"));
        let failed = identity::v1::LoginFailed { reason: "wrong_password".to_owned() };
        let event = identity::v1::DomainEvent {
            event: Some(identity::v1::domain_event::Event::LoginFailed(failed)),
            ..Default::default()
        };
        let entry = read("identity.login_failed", &event.encode_to_vec()).expect("readable");
        assert_eq!(entry.details.get("reason").map(String::as_str), Some("wrong_password"));
        assert_eq!(entry.actor_id, None);
    }

    #[test]
    fn what_is_no_event_of_its_topic_is_refused() {
        let event = organization::v1::DomainEvent {
            event: Some(organization::v1::domain_event::Event::MemberUnblocked(organization::v1::MemberUnblocked {})),
            ..Default::default()
        };
        let payload = event.encode_to_vec();
        assert_eq!(read("organization.member_blocked", &payload), Err(Unreadable::Payload));
        assert_eq!(read("organization.actor_id", &payload), Err(Unreadable::Topic));
        assert_eq!(read("organization.nothing", &payload), Err(Unreadable::Topic));
        assert_eq!(read("elsewhere.member_unblocked", &payload), Err(Unreadable::Topic));
        assert_eq!(read("member_unblocked", &payload), Err(Unreadable::Topic));
        assert_eq!(read("organization.member_unblocked", b"\xff\xff"), Err(Unreadable::Payload));
        let forged = organization::v1::DomainEvent { actor_id: "nobody".to_owned(), ..event };
        assert_eq!(read("organization.member_unblocked", &forged.encode_to_vec()), Err(Unreadable::Payload));
    }

    #[test]
    fn the_end_of_a_block_is_shown_as_a_time() {
        let until_time = Some(prost_types::Timestamp { seconds: 86_400, nanos: 0 });
        let blocked = organization::v1::MemberBlocked { reason: "left".to_owned(), until_time };
        let event = organization::v1::DomainEvent {
            event: Some(organization::v1::domain_event::Event::MemberBlocked(blocked)),
            ..Default::default()
        };
        let entry = read("organization.member_blocked", &event.encode_to_vec()).expect("readable");
        assert_eq!(entry.details.get("until_time").map(String::as_str), Some("1970-01-02T00:00:00Z"));
    }
}
