//! Messages of `NotificationService`.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;
use rolecall_api::notification::v1 as api;
use rolecall_authz::{Caller, Scope};
use rolecall_db::once::{Repeat, RequestKey};
use rolecall_kernel::id::{NotificationId, UserId};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::page::{PageSize, PageTokens};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;
use rolecall_templates::Name;
use tonic::Status;

use super::{call_id, category, organization, read_category, request_id, templates, time, timestamp};
use crate::app::{cancel_notification, notifications, send_notification};
use crate::domain::category::Category;
use crate::domain::notification::{Body, Counts, InlineText, Notification, Recipient, Title, Words};
use crate::grpc::status::violations;

const SEND: &str = "notification.NotificationService/SendNotification";
const CANCEL: &str = "notification.NotificationService/CancelNotification";

/// The most recipients that a request names.
const MOST_NAMED: usize = 100;

/// How far ahead something may be scheduled, or expire.
const FAR: Duration = Duration::from_hours(24 * 90);

/// The longest name of a role.
const ROLE_MAX: usize = 100;

/// Reads what `SendNotification` needs.
pub(in crate::grpc) fn send(
    caller: &Caller,
    scope: Scope,
    request: &api::SendNotificationRequest,
    (fingerprints, now): (&KeyedHash, Timestamp),
) -> Result<send_notification::Command, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let organization = match request.organization_id.as_str() {
        "" => caller.organization(),
        "-" => {
            found.push("organization_id", "ID_INVALID", "must be one organization");
            None
        }
        text => organization(caller, text, &mut found),
    };
    let recipients = recipients(&request.recipients, &mut found);
    let category = sendable(request.category, &mut found);
    let words = words(request, &mut found);
    if organization.is_none() && !request.template.is_empty() {
        found.push("organization_id", "REQUIRED", "must be given, since templates belong to organizations");
    }
    let scheduled = moment("schedule_time", request.schedule_time, now, &mut found);
    let expires = moment("expire_time", request.expire_time, scheduled.unwrap_or(now), &mut found);
    let (Some(category), Some(words), true) = (category, words, found.is_empty()) else {
        return Err(violations(found));
    };
    let encode = |notification: &Notification| accepted(notification).encode_to_vec();
    let key = RequestKey::new(fingerprints, caller.subject(), SEND, request_id, &content(request));
    Ok(send_notification::Command {
        sender: caller.subject(),
        scope,
        own: caller.organization(),
        organization,
        recipients,
        category,
        words,
        scheduled,
        expires,
        call_id: call_id(),
        repeat: key.map(|key| Repeat { key, encode }),
    })
}

fn recipients(given: &[api::Recipient], found: &mut Violations) -> Vec<Recipient> {
    use api::recipient::Recipient as Wire;
    if given.is_empty() || given.len() > MOST_NAMED {
        found.push("recipients", "COUNT_INVALID", format!("must name 1 to {MOST_NAMED} recipients"));
    }
    let mut recipients = Vec::new();
    for (index, one) in given.iter().enumerate().take(MOST_NAMED) {
        let place = |field: &str| format!("recipients[{index}].{field}");
        recipients.extend(match &one.recipient {
            Some(Wire::UserId(id)) => {
                found.check(&place("user_id"), "ID_INVALID", UserId::parse(id)).map(Recipient::User)
            }
            Some(Wire::Role(role)) if (1..=ROLE_MAX).contains(&role.len()) => Some(Recipient::Role(role.clone())),
            Some(Wire::Role(_)) => {
                found.push(place("role"), "ROLE_INVALID", format!("must have 1 to {ROLE_MAX} characters"));
                None
            }
            Some(Wire::Email(email)) => {
                found.check(&place("email"), "EMAIL_MALFORMED", EmailAddress::parse(email)).map(Recipient::Address)
            }
            None => {
                found.push(format!("recipients[{index}]"), "REQUIRED", "must be a user_id, a role or an email");
                None
            }
        });
    }
    recipients
}

/// What is mandatory is the suite's own: nobody else gets past what people switched off.
fn sendable(number: i32, found: &mut Violations) -> Option<Category> {
    let category = read_category(number).filter(|category| !category.is_mandatory());
    if category.is_none() {
        let what = "must be CATEGORY_WORKFLOW, CATEGORY_MESSAGE or CATEGORY_ANNOUNCEMENT";
        found.push("category", "CATEGORY_REFUSED", what);
    }
    category
}

/// What is asked for, the same bytes for the same request: maps have no order on the wire.
fn content(request: &api::SendNotificationRequest) -> Vec<u8> {
    let rest = api::SendNotificationRequest { data: HashMap::new(), ..request.clone() }.encode_to_vec();
    let mut content = (rest.len() as u64).to_be_bytes().to_vec();
    content.extend(rest);
    for (name, value) in templates::data(&request.data) {
        for part in [name, value] {
            content.extend((part.len() as u64).to_be_bytes());
            content.extend(part.into_bytes());
        }
    }
    content
}

/// A text as it is or a template, and not both.
fn words(request: &api::SendNotificationRequest, found: &mut Violations) -> Option<Words> {
    let version = templates::version("template_version", request.template_version, found);
    match (&request.inline_text, request.template.as_str()) {
        (Some(text), "") => {
            if version.is_some() || !request.data.is_empty() {
                found.push("template", "REQUIRED", "must be given for its version and its data");
            }
            inline_text(text, found).map(Words::Inline)
        }
        (None, template) if !template.is_empty() => {
            let name = found.check("template", "NAME_INVALID", Name::parse(template))?;
            Some(Words::Template { name, version, data: templates::data(&request.data) })
        }
        _ => {
            found.push("inline_text", "REQUIRED", "must be given, or a template, and not both");
            None
        }
    }
}

fn inline_text(given: &api::InlineText, found: &mut Violations) -> Option<InlineText> {
    let title = found.check("inline_text.title", "TEXT_INVALID", Title::parse(&given.title));
    let text = found.check("inline_text.text", "TEXT_INVALID", Body::parse(&given.text));
    title.zip(text).map(|(title, text)| InlineText { title, text })
}

fn moment(
    field: &str,
    given: Option<prost_types::Timestamp>,
    after: Timestamp,
    found: &mut Violations,
) -> Option<Timestamp> {
    let moment = time(given?).filter(|moment| *moment > after && *moment <= after.plus(FAR));
    if moment.is_none() {
        found.push(field, "TIME_INVALID", "must be in the next 90 days, and expiry after the schedule");
    }
    moment
}

/// Reads what `ListNotifications` needs.
pub(in crate::grpc) fn list(
    caller: &Caller,
    scope: Scope,
    request: &api::ListNotificationsRequest,
    tokens: &PageTokens,
) -> Result<notifications::List, Status> {
    let mut found = Violations::default();
    let organization = organization(caller, &request.organization_id, &mut found);
    let size = found.check("page_size", "PAGE_SIZE_INVALID", PageSize::parse(request.page_size));
    let position = tokens.open(&binding(caller, request).each_ref().map(String::as_str), &request.page_token);
    let after = found.check("page_token", "PAGE_TOKEN_INVALID", position).flatten().and_then(|position| {
        let text = String::from_utf8_lossy(&position).into_owned();
        found.check("page_token", "PAGE_TOKEN_INVALID", NotificationId::parse(&text))
    });
    match size {
        Some(size) if found.is_empty() => {
            Ok(notifications::List { scope, own: caller.organization(), organization, after, size })
        }
        _ => Err(violations(found)),
    }
}

/// What a page token belongs to.
pub(in crate::grpc) fn binding(caller: &Caller, request: &api::ListNotificationsRequest) -> [String; 3] {
    let organization = request.organization_id.clone();
    ["notification.ListNotifications".to_owned(), caller.subject().to_string(), organization]
}

/// Reads the id of a notification.
pub(in crate::grpc) fn id(text: &str) -> Result<NotificationId, Status> {
    let mut found = Violations::default();
    let id = found.check("notification_id", "ID_INVALID", NotificationId::parse(text));
    id.ok_or_else(|| violations(found))
}

/// Reads what `CancelNotification` needs.
pub(in crate::grpc) fn cancel(
    caller: &Caller,
    scope: Scope,
    request: &api::CancelNotificationRequest,
    fingerprints: &KeyedHash,
) -> Result<cancel_notification::Command, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let id = found.check("notification_id", "ID_INVALID", NotificationId::parse(&request.notification_id));
    let (Some(notification_id), true) = (id, found.is_empty()) else { return Err(violations(found)) };
    let encode = |done: &(Notification, Counts)| cancelled(done).encode_to_vec();
    let key = RequestKey::new(fingerprints, caller.subject(), CANCEL, request_id, &request.encode_to_vec());
    let repeat = key.map(|key| Repeat { key, encode });
    Ok(cancel_notification::Command { actor: caller.subject(), scope, call_id: call_id(), notification_id, repeat })
}

/// Renders what `SendNotification` answers.
pub(in crate::grpc) fn accepted(notification: &Notification) -> api::SendNotificationResponse {
    api::SendNotificationResponse { notification: Some(message(notification, None)) }
}

/// Renders what `CancelNotification` answers.
pub(in crate::grpc) fn cancelled((notification, counts): &(Notification, Counts)) -> api::CancelNotificationResponse {
    api::CancelNotificationResponse { notification: Some(message(notification, Some(*counts))) }
}

/// Renders a notification, with what became of its mails if that is given.
pub(in crate::grpc) fn message(notification: &Notification, counts: Option<Counts>) -> api::Notification {
    let deliveries = counts.map(|counts| {
        let Counts { pending, sent, parked, expired, suppressed } = counts;
        api::DeliveryCounts { pending, sent, parked, expired, suppressed }
    });
    api::Notification {
        notification_id: notification.notification_id.to_string(),
        organization_id: notification.organization_id.map(|id| id.to_string()).unwrap_or_default(),
        sender_id: notification.sender_id.to_string(),
        category: category(notification.category).into(),
        title: notification.title.clone(),
        recipient_count: notification.recipient_count,
        create_time: Some(timestamp(notification.created)),
        schedule_time: notification.scheduled.map(timestamp),
        expire_time: notification.expires.map(timestamp),
        cancel_time: notification.cancelled.map(timestamp),
        deliveries,
        template: notification.template.as_ref().map(|pinned| pinned.name.clone()).unwrap_or_default(),
        template_version: notification.template.as_ref().map(|pinned| pinned.version).unwrap_or_default(),
    }
}
