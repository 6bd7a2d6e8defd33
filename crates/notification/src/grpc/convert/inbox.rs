//! Messages of `InboxService`.

use prost::Message as _;
use rolecall_api::notification::v1 as api;
use rolecall_authz::Caller;
use rolecall_db::once::{Repeat, RequestKey};
use rolecall_kernel::id::MessageId;
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::page::{PageSize, PageTokens};
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::{call_id, category, request_id, timestamp};
use crate::app::inbox::{Change, Deed, Reply};
use crate::domain::message::{InboxMessage, Summary};
use crate::domain::notification::Body;
use crate::grpc::status::violations;

const MARK: &str = "notification.InboxService/MarkMessages";
const DELETE: &str = "notification.InboxService/DeleteMessages";
const REPLY: &str = "notification.InboxService/ReplyToMessage";

/// The most messages that are named at once.
const MOST: usize = 100;

/// Reads where a list of messages goes on, and how many it shows.
pub(in crate::grpc) fn place(
    caller: &Caller,
    request: &api::ListMessagesRequest,
    tokens: &PageTokens,
) -> Result<(Option<MessageId>, PageSize), Status> {
    let mut found = Violations::default();
    let size = found.check("page_size", "PAGE_SIZE_INVALID", PageSize::parse(request.page_size));
    let position = tokens.open(&binding(caller, request).each_ref().map(String::as_str), &request.page_token);
    let after = found.check("page_token", "PAGE_TOKEN_INVALID", position).flatten().and_then(|position| {
        let text = String::from_utf8_lossy(&position).into_owned();
        found.check("page_token", "PAGE_TOKEN_INVALID", MessageId::parse(&text))
    });
    match size {
        Some(size) if found.is_empty() => Ok((after, size)),
        _ => Err(violations(found)),
    }
}

/// What a page token belongs to.
pub(in crate::grpc) fn binding(caller: &Caller, request: &api::ListMessagesRequest) -> [String; 3] {
    ["notification.ListMessages".to_owned(), caller.subject().to_string(), request.unread_only.to_string()]
}

/// Reads what `MarkMessages` needs.
pub(in crate::grpc) fn mark(
    caller: &Caller,
    request: &api::MarkMessagesRequest,
    fingerprints: &KeyedHash,
) -> Result<Change, Status> {
    let deed = Deed::Mark { is_unread: request.unread };
    let named = (request.request_id.as_str(), request.message_ids.as_slice());
    change(caller, deed, named, |request_id| {
        let key = RequestKey::new(fingerprints, caller.subject(), MARK, request_id, &request.encode_to_vec());
        key.map(|key| Repeat { key, encode: |counted| marked(*counted).encode_to_vec() })
    })
}

/// Reads what `DeleteMessages` needs.
pub(in crate::grpc) fn delete(
    caller: &Caller,
    request: &api::DeleteMessagesRequest,
    fingerprints: &KeyedHash,
) -> Result<Change, Status> {
    let named = (request.request_id.as_str(), request.message_ids.as_slice());
    change(caller, Deed::Delete, named, |request_id| {
        let key = RequestKey::new(fingerprints, caller.subject(), DELETE, request_id, &request.encode_to_vec());
        key.map(|key| Repeat { key, encode: |counted| deleted(*counted).encode_to_vec() })
    })
}

/// A message that is named twice counts once.
fn change(
    caller: &Caller,
    deed: Deed,
    (request, ids): (&str, &[String]),
    repeat: impl FnOnce(Option<rolecall_kernel::id::RequestId>) -> Option<Repeat<Summary>>,
) -> Result<Change, Status> {
    let mut found = Violations::default();
    let request_id = request_id(request, &mut found);
    if ids.is_empty() || ids.len() > MOST {
        found.push("message_ids", "COUNT_INVALID", format!("must name 1 to {MOST} messages"));
    }
    let mut message_ids = Vec::new();
    for (index, text) in ids.iter().enumerate().take(MOST) {
        let id = found.check(&format!("message_ids[{index}]"), "ID_INVALID", MessageId::parse(text));
        message_ids.extend(id.filter(|id| !message_ids.contains(id)));
    }
    if !found.is_empty() {
        return Err(violations(found));
    }
    Ok(Change { person: caller.subject(), deed, message_ids, repeat: repeat(request_id) })
}

/// Reads what `ReplyToMessage` needs.
pub(in crate::grpc) fn reply(
    caller: &Caller,
    request: &api::ReplyToMessageRequest,
    fingerprints: &KeyedHash,
) -> Result<Reply, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let message_id = found.check("message_id", "ID_INVALID", MessageId::parse(&request.message_id));
    let text = found.check("text", "TEXT_INVALID", Body::parse(&request.text));
    let (Some(message_id), Some(text), true) = (message_id, text, found.is_empty()) else {
        return Err(violations(found));
    };
    let key = RequestKey::new(fingerprints, caller.subject(), REPLY, request_id, &request.encode_to_vec());
    let repeat = key.map(|key| Repeat { key, encode: |answer| replied(answer).encode_to_vec() });
    let organization = caller.organization();
    Ok(Reply { person: caller.subject(), organization, call_id: call_id(), message_id, text, repeat })
}

/// Renders what `MarkMessages` answers.
pub(in crate::grpc) fn marked(counted: Summary) -> api::MarkMessagesResponse {
    api::MarkMessagesResponse { summary: Some(summary(counted)) }
}

/// Renders what `DeleteMessages` answers.
pub(in crate::grpc) fn deleted(counted: Summary) -> api::DeleteMessagesResponse {
    api::DeleteMessagesResponse { summary: Some(summary(counted)) }
}

/// Renders what `ReplyToMessage` answers.
pub(in crate::grpc) fn replied(answer: &InboxMessage) -> api::ReplyToMessageResponse {
    api::ReplyToMessageResponse { message: Some(message(answer)) }
}

/// Renders counts.
pub(in crate::grpc) const fn summary(counted: Summary) -> api::InboxSummary {
    api::InboxSummary { message_count: counted.messages, unread_count: counted.unread }
}

/// Renders a message.
pub(in crate::grpc) fn message(message: &InboxMessage) -> api::InboxMessage {
    api::InboxMessage {
        message_id: message.message_id.to_string(),
        notification_id: message.notification_id.map(|id| id.to_string()).unwrap_or_default(),
        organization_id: message.organization_id.map(|id| id.to_string()).unwrap_or_default(),
        sender_id: message.sender_id.to_string(),
        category: category(message.category).into(),
        title: message.title.clone(),
        text: message.text.clone(),
        reply_to_id: message.reply_to_id.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(timestamp(message.visible)),
        read_time: message.read.map(timestamp),
    }
}
