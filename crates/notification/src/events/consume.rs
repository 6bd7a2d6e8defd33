//! From an event of another context to what somebody must be told.

mod workflow;

use prost::Message as _;
use rolecall_api::notification::v1::{IngestedEvent, MailCommand};
use rolecall_api::{identity, organization};
use rolecall_kernel::calendar;
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use crate::domain::arrival::{Arrival, Command, Content, End, Ended, Notice, Variables};
use crate::domain::template::Template;
use crate::grpc::convert::time;

/// What an event is to this context.
#[derive(Debug)]
pub(crate) enum Reading {
    /// Somebody must be told.
    Arrival(Arrival),
    /// Nobody is told of it.
    NotOurs,
    /// It can never be worked on, for this reason.
    Malformed(String),
}

/// Reads an event.
pub(crate) fn read(event: &IngestedEvent) -> Reading {
    let Ok(event_id) = EventId::parse(&event.event_id) else {
        return Reading::Malformed("event_id must be a lower-case UUID".to_owned());
    };
    match content(event) {
        Ok(Some(content)) => {
            let source = event.topic.split('.').next().unwrap_or_default().to_owned();
            let trace = Some(event.traceparent.clone()).filter(|trace| !trace.is_empty());
            Reading::Arrival(Arrival { event_id, source, trace, content })
        }
        Ok(None) => Reading::NotOurs,
        Err(reason) => Reading::Malformed(reason),
    }
}

fn content(event: &IngestedEvent) -> Result<Option<Content>, String> {
    match event.topic.as_str() {
        "notification.mail_requested" => command(&event.payload).map(Content::Command).map(Some),
        "organization.member_blocked"
        | "organization.member_unblocked"
        | "organization.member_roles_changed"
        | "organization.admin_granted"
        | "organization.admin_revoked"
        | "organization.organization_suspended"
        | "organization.organization_resumed"
        | "organization.owner_added"
        | "organization.powers_given"
        | "organization.owner_credentials_changed" => member_notice(&event.payload).map(Content::Notice).map(Some),
        topic if workflow::is_told(topic) => workflow::notice(&event.payload).map(Content::Notice).map(Some),
        "identity.access_token_created"
        | "identity.email_changed"
        | "identity.factor_added"
        | "identity.factor_removed"
        | "identity.factors_reset"
        | "identity.new_device_used"
        | "identity.identity_linked"
        | "identity.identity_unlinked"
        | "identity.password_changed"
        | "identity.password_removed"
        | "identity.password_set"
        | "identity.recovery_code_used"
        | "identity.user_impersonated" => account_notice(&event.payload).map(Content::Notice).map(Some),
        "identity.user_deleted" | "identity.user_erased" => ended(&event.payload).map(Content::Ended).map(Some),
        "organization.organization_deleted" => {
            organization_ended(&event.payload).map(End::Organization).map(Content::Ended).map(Some)
        }
        // An order for this context that it does not understand must not be lost silently.
        topic if topic.starts_with("notification.") => Err(format!("the topic {topic} is not known here")),
        _ => Ok(None),
    }
}

fn command(payload: &[u8]) -> Result<Command, String> {
    let message = MailCommand::decode(payload).map_err(|_| "the payload is no MailCommand".to_owned())?;
    let template = Template::parse(&message.template).ok_or("the template is not known here")?;
    let recipient = SubjectId::parse(&message.recipient_id).map_err(|error| format!("recipient_id {error}"))?;
    let email = EmailAddress::parse(&message.email).map_err(|error| format!("email {error}"))?;
    let organization = optional(&message.organization_id, OrganizationId::parse)
        .map_err(|error| format!("organization_id {error}"))?;
    let expires = optional_time(message.expire_time).map_err(|()| "expire_time is out of range")?;
    let sealed_secret = Some(message.sealed_secret).filter(|sealed| !sealed.is_empty());
    if template.needs_secret() && (sealed_secret.is_none() || expires.is_none()) {
        return Err(format!("{} needs sealed_secret and expire_time", template.as_str()));
    }
    let variables: Variables = message.variables.into_iter().collect();
    Ok(Command { template, recipient, email, organization, variables, sealed_secret, expires })
}

fn member_notice(payload: &[u8]) -> Result<Notice, String> {
    use organization::v1::domain_event::Event;
    let message = organization::v1::DomainEvent::decode(payload).map_err(|_| "the payload is no DomainEvent")?;
    let mut others = None;
    let (template, variables) = match message.event {
        Some(Event::OwnerAdded(added)) => {
            others = Some(subjects("owner_ids", &added.owner_ids)?);
            (Template::OwnerAdded, Variables::new())
        }
        Some(Event::PowersGiven(given)) => {
            others = Some(subjects("owner_ids", &given.owner_ids)?);
            (Template::PowersGiven, powers(given, !message.target_id.is_empty()))
        }
        Some(Event::OwnerCredentialsChanged(changed)) => {
            others = Some(subjects("owner_ids", &changed.owner_ids)?);
            (Template::OwnerCredentialsChanged, Variables::from([("change".to_owned(), changed.change)]))
        }
        Some(Event::AdminGranted(granted)) => {
            others = Some(subjects("admin_ids", &granted.admin_ids)?);
            (Template::AdminGranted, Variables::new())
        }
        Some(Event::AdminRevoked(revoked)) => {
            others = Some(subjects("admin_ids", &revoked.admin_ids)?);
            (Template::AdminRevoked, Variables::new())
        }
        Some(Event::OrganizationSuspended(suspended)) => {
            others = Some(subjects("owner_ids", &suspended.owner_ids)?);
            (Template::OrganizationSuspended, Variables::from([("reason".to_owned(), suspended.reason)]))
        }
        Some(Event::OrganizationResumed(resumed)) => {
            others = Some(subjects("owner_ids", &resumed.owner_ids)?);
            (Template::OrganizationResumed, Variables::new())
        }
        Some(Event::MemberBlocked(blocked)) => (Template::MemberBlocked, block(blocked)?),
        Some(Event::MemberUnblocked(_)) => (Template::MemberUnblocked, Variables::new()),
        Some(Event::MemberRolesChanged(changed)) => {
            let (old, new) = (roles(&changed.old_roles), roles(&changed.new_roles));
            let variables = Variables::from([("old_roles".to_owned(), old), ("new_roles".to_owned(), new)]);
            (Template::MemberRolesChanged, variables)
        }
        _ => return Err("the payload does not fit its topic".to_owned()),
    };
    // What happened to a whole organization, or to a role of it, happened to nobody else.
    let is_of_all = matches!(template, Template::OrganizationSuspended | Template::OrganizationResumed)
        || (template == Template::PowersGiven && message.target_id.is_empty());
    let head = Head {
        actor_id: &message.actor_id,
        organization_id: &message.organization_id,
        target_id: if is_of_all { &message.actor_id } else { &message.target_id },
        occurred: message.occurred_time,
    };
    let notice = head.notice(template, variables)?;
    // The person itself, unless it is others that must hear of it.
    Ok(Notice { recipients: others.unwrap_or_else(|| notice.recipients.clone()), ..notice })
}

fn subjects(field: &str, ids: &[String]) -> Result<Vec<SubjectId>, String> {
    ids.iter().map(|id| SubjectId::parse(id).map_err(|error| format!("{field} {error}"))).collect()
}

fn powers(given: organization::v1::PowersGiven, is_to_person: bool) -> Variables {
    let to_person = if is_to_person { "yes" } else { "" };
    Variables::from([
        ("role".to_owned(), given.role),
        ("permissions".to_owned(), given.permissions.join(", ")),
        ("to_person".to_owned(), to_person.to_owned()),
    ])
}

fn block(blocked: organization::v1::MemberBlocked) -> Result<Variables, String> {
    let mut variables = Variables::from([("reason".to_owned(), blocked.reason)]);
    if let Some(until) = optional_time(blocked.until_time).map_err(|()| "until_time is out of range")? {
        variables.insert("until".to_owned(), calendar::spell(until));
    }
    Ok(variables)
}

fn account_notice(payload: &[u8]) -> Result<Notice, String> {
    use identity::v1::domain_event::Event;
    let message = identity::v1::DomainEvent::decode(payload).map_err(|_| "the payload is no DomainEvent")?;
    let (mut addresses, mut variables) = (Vec::new(), Variables::new());
    let template = match message.event {
        Some(Event::PasswordChanged(_)) => Template::PasswordChanged,
        Some(Event::NewDeviceUsed(_)) => Template::NewDeviceUsed,
        Some(Event::PasswordSet(_)) => Template::PasswordSet,
        Some(Event::PasswordRemoved(_)) => Template::PasswordRemoved,
        Some(Event::IdentityLinked(_)) => Template::IdentityLinked,
        Some(Event::IdentityUnlinked(_)) => Template::IdentityUnlinked,
        Some(Event::EmailChanged(changed)) => {
            addresses = both(&changed)?;
            Template::EmailChanged
        }
        Some(Event::FactorAdded(_)) => Template::FactorAdded,
        Some(Event::FactorRemoved(_)) => Template::FactorRemoved,
        Some(Event::FactorsReset(_)) => Template::FactorsReset,
        Some(Event::RecoveryCodeUsed(used)) => {
            variables.insert("codes_left".to_owned(), used.codes_left.to_string());
            Template::RecoveryCodeUsed
        }
        Some(Event::AccessTokenCreated(_)) => Template::AccessTokenCreated,
        Some(Event::UserImpersonated(acted)) => {
            variables = acted_as(acted)?;
            Template::UserImpersonated
        }
        _ => return Err("the payload does not fit its topic".to_owned()),
    };
    let head = Head {
        actor_id: &message.actor_id,
        organization_id: &message.organization_id,
        target_id: &message.target_id,
        occurred: message.occurred_time,
    };
    Ok(Notice { addresses, ..head.notice(template, variables)? })
}

fn ended(payload: &[u8]) -> Result<End, String> {
    use identity::v1::domain_event::Event;
    let message = identity::v1::DomainEvent::decode(payload).map_err(|_| "the payload is no DomainEvent")?;
    let subject = SubjectId::parse(&message.target_id).map_err(|error| format!("target_id {error}"))?;
    match message.event {
        Some(Event::UserDeleted(deleted)) => Ok(End::Account(Ended { subject, is_erased: deleted.erased })),
        Some(Event::UserErased(_)) => Ok(End::Account(Ended { subject, is_erased: true })),
        _ => Err("the payload does not fit its topic".to_owned()),
    }
}

fn organization_ended(payload: &[u8]) -> Result<OrganizationId, String> {
    let message = organization::v1::DomainEvent::decode(payload).map_err(|_| "the payload is no DomainEvent")?;
    OrganizationId::parse(&message.organization_id).map_err(|error| format!("organization_id {error}"))
}

/// Why somebody acts as the person, until when, and whether it changes anything.
fn acted_as(acted: identity::v1::UserImpersonated) -> Result<Variables, String> {
    let until = optional_time(acted.expire_time).map_err(|()| "expire_time is out of range")?;
    let until = until.ok_or("expire_time is required")?;
    let mut variables =
        Variables::from([("reason".to_owned(), acted.reason), ("until".to_owned(), calendar::spell(until))]);
    if !acted.read_only {
        variables.insert("changes".to_owned(), "yes".to_owned());
    }
    Ok(variables)
}

/// The address before and the one now; one when it was only spelled anew.
fn both(changed: &identity::v1::EmailChanged) -> Result<Vec<EmailAddress>, String> {
    let old = EmailAddress::parse(&changed.old_email).map_err(|error| format!("old_email {error}"))?;
    let new = EmailAddress::parse(&changed.new_email).map_err(|error| format!("new_email {error}"))?;
    let is_one = old.key() == new.key();
    Ok([old, new].into_iter().skip(usize::from(is_one)).collect())
}

/// What the events of all contexts have in common.
struct Head<'a> {
    actor_id: &'a str,
    organization_id: &'a str,
    target_id: &'a str,
    occurred: Option<prost_types::Timestamp>,
}

impl Head<'_> {
    fn notice(&self, template: Template, variables: Variables) -> Result<Notice, String> {
        let occurred = optional_time(self.occurred).map_err(|()| "occurred_time is out of range")?;
        let target = SubjectId::parse(self.target_id).map_err(|error| format!("target_id {error}"))?;
        Ok(Notice {
            template,
            target,
            recipients: vec![target],
            addresses: Vec::new(),
            actor: optional(self.actor_id, SubjectId::parse).map_err(|error| format!("actor_id {error}"))?,
            organization: optional(self.organization_id, OrganizationId::parse)
                .map_err(|error| format!("organization_id {error}"))?,
            variables,
            occurred: occurred.ok_or("occurred_time is required")?,
        })
    }
}

fn optional<T, E>(text: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<Option<T>, E> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn optional_time(message: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, ()> {
    message.map(|message| time(message).ok_or(())).transpose()
}

/// Spells role names such as `DATA_SCIENTIST` as people say them.
fn roles(names: &[String]) -> String {
    let title = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect::<String>())
    };
    let spell = |name: &String| name.split('_').filter_map(title).collect::<Vec<_>>().join(" ");
    names.iter().map(spell).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
