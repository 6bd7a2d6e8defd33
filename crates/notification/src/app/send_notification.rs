//! Tells people something: who they are is asked first, then everything is stored in one transaction.

use std::collections::{BTreeMap, HashSet};

use rolecall_authz::Scope;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{DeliveryId, EventId, MessageId, NotificationId, OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use rolecall_templates::Fault;
use rolecall_templates::render::UnusableError;

use super::pace::{self, TooMany};
use super::wording::Spoken;
use super::{instance_name, notifications};
use crate::context::Shared;
use crate::domain::arrival::{Contact, Variables};
use crate::domain::category::{Category, Medium};
use crate::domain::delivery::Draft;
use crate::domain::event::{Event, What};
use crate::domain::message::InboxMessage;
use crate::domain::notification::{MOST_RECIPIENTS, Notification, Pinned, Recipient, Words};
use crate::domain::template::Template;
use crate::events::publish;
use crate::peers::Unreachable;
use crate::store::notifications::Sending;
use crate::store::preferences::Wishes;
use crate::store::{deliveries, ended, inbox, notifications as store, preferences, templates};

/// What to tell, whom, and who asks.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) sender: SubjectId,
    pub(crate) scope: Scope,
    /// The sender's own organization, which needs no proof that it exists.
    pub(crate) own: Option<OrganizationId>,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) category: Category,
    pub(crate) words: Words,
    pub(crate) scheduled: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) call_id: Option<String>,
    pub(crate) repeat: Option<Repeat<Notification>>,
}

/// Why nobody is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such organization")]
    OrganizationNotFound(OrganizationId),
    #[error("no such recipient")]
    RecipientNotFound(String),
    #[error("more people than one notification may reach")]
    TooMany,
    #[error("a sender for the whole installation is needed")]
    InstanceSenderRequired,
    #[error("no such template")]
    TemplateNotFound(String),
    #[error("the data is not what the template wants")]
    Data(Vec<Fault>),
    #[error(transparent)]
    Unusable(#[from] UnusableError),
    #[error(transparent)]
    Pace(#[from] TooMany),
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Somebody who is told.
struct Reader {
    email: EmailAddress,
    name: Option<String>,
}

/// Accepts the notification: from the answer on its mails are sent, or visibly parked.
pub(crate) async fn run(shared: &Shared, command: &Command) -> Result<Answer<Notification>, Error> {
    if let Some(repeat) = &command.repeat
        && let Some(answer) = repeat.key.find::<Error>(&shared.database).await?
    {
        return Ok(Answer::Repeated(answer));
    }
    check_sender(shared, command).await?;
    // Asked before the transaction begins, which awaits nothing but the database.
    let spoken = &spoken(shared, command).await?;
    let readers = &readers(shared, command).await?;
    let name = &instance_name::get(shared).await;
    let now = shared.clock.now();
    let notification = &accepted(shared, command, spoken, readers.len(), now);
    let answer = once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        ended::enter(&tx).await?;
        // Gone since its contact was asked for.
        if let Some(gone) = ended::list(&tx, readers.keys().copied()).await?.into_keys().next() {
            return Err(Error::RecipientNotFound(gone.to_string()));
        }
        if let Some(pinned) = &notification.template
            && !templates::is_there(&tx, pinned.template_id).await?
        {
            return Err(Error::TemplateNotFound(pinned.name.clone()));
        }
        let people: Vec<SubjectId> = readers.keys().copied().collect();
        if command.scope != Scope::All {
            pace::count(shared, &tx, command.sender, &people, now).await??;
        }
        store::insert(&tx, notification, sending(command, spoken).as_ref()).await?;
        let wishes = preferences::list(&tx, &people).await?;
        let draft = |(subject, reader): (&SubjectId, &Reader)| {
            let said = spoken.to(wishes.get(subject).and_then(|wishes| wishes.locale.as_ref()));
            draft(shared, notification, said, (*subject, reader, name.as_deref()))
        };
        deliveries::insert(&tx, readers.iter().map(draft).collect(), now).await?;
        inbox::insert(&tx, &messages(shared, spoken, notification, readers, &wishes)).await?;
        publish::append(&tx, &sent(shared, command, notification)).await?;
        Ok::<_, Error>(notification.clone())
    });
    let answer = answer.await?;
    shared.wake.notify_one();
    shared.arrived.notify_one();
    Ok(answer)
}

/// What another writes is read by people as ours: only who is trusted with the whole installation writes freely, and to
/// anybody.
async fn check_sender(shared: &Shared, command: &Command) -> Result<(), Error> {
    let is_free = matches!(command.words, Words::Inline(_))
        || command.recipients.iter().any(|recipient| matches!(recipient, Recipient::Address(_)));
    let is_trusted = command.scope == Scope::All;
    if is_free && !is_trusted {
        return Err(Error::InstanceSenderRequired);
    }
    match command.organization {
        Some(organization)
            if !command.scope.includes_organization(organization)
                || !notifications::organization_exists(shared, &command.scope, command.own, organization).await? =>
        {
            Err(Error::OrganizationNotFound(organization))
        }
        None if !is_trusted => Err(Error::InstanceSenderRequired),
        _ => Ok(()),
    }
}

/// Finds the template, if there is to be one, and sees what it makes of the data.
async fn spoken<'a>(shared: &Shared, command: &'a Command) -> Result<Spoken<'a>, Error> {
    match &command.words {
        Words::Inline(text) => Ok(Spoken::Inline(text)),
        Words::Template { name, version, data } => {
            let not_found = || Error::TemplateNotFound(name.as_str().to_owned());
            let organization = command.organization.ok_or_else(not_found)?;
            let found = templates::find_by_name(&shared.database.reader(), organization, name, *version).await?;
            let template = found.ok_or_else(not_found)?;
            let data = template.content.fill(data).map_err(Error::Data)?;
            Ok(Spoken::of(template, data)?)
        }
    }
}

/// What its mails need to know that are still to be sent.
fn sending(command: &Command, spoken: &Spoken<'_>) -> Option<Sending> {
    match spoken {
        Spoken::Inline(_) => None,
        Spoken::Template { template, data, .. } => Some(Sending {
            template_id: template.template_id,
            version: template.version,
            data: data.clone(),
            is_for_members: command.scope != Scope::All,
        }),
    }
}

/// Finds everybody who is named, each once.
async fn readers(shared: &Shared, command: &Command) -> Result<BTreeMap<SubjectId, Reader>, Error> {
    let (mut people, mut addresses) = (HashSet::new(), Vec::new());
    for recipient in &command.recipients {
        match recipient {
            Recipient::User(user) => {
                people.insert(SubjectId::from(*user));
            }
            Recipient::Role(role) => people.extend(holders(shared, command, role).await?),
            Recipient::Address(email) => addresses.push(email.clone()),
        }
    }
    let (mut readers, owners) = addressed(shared, addresses).await?;
    if people.union(&owners).count() + readers.len() > MOST_RECIPIENTS {
        return Err(Error::TooMany);
    }
    let asked: HashSet<SubjectId> = people.union(&owners).copied().collect();
    if asked.is_empty() {
        return Ok(readers);
    }
    if command.scope != Scope::All {
        let members = shared.peers.members(asked.clone()).await?;
        let is_foreign = |person: &&SubjectId| members.get(*person).copied() != command.organization;
        if let Some(foreign) = people.iter().find(is_foreign) {
            return Err(Error::RecipientNotFound(foreign.to_string()));
        }
    }
    let contacts = shared.peers.contacts(asked).await?;
    if let Some(missing) = people.iter().find(|subject| !contacts.contains_key(subject)) {
        return Err(Error::RecipientNotFound(missing.to_string()));
    }
    let reader = |contact: Contact| Reader { email: contact.email, name: Some(contact.name) };
    readers.extend(contacts.into_iter().map(|(subject, contact)| (subject, reader(contact))));
    Ok(readers)
}

/// Tells addresses without an account from those of accounts, whose people are told as they prefer.
async fn addressed(
    shared: &Shared,
    addresses: Vec<EmailAddress>,
) -> Result<(BTreeMap<SubjectId, Reader>, HashSet<SubjectId>), Error> {
    let (mut readers, mut owners) = (BTreeMap::new(), HashSet::new());
    if addresses.is_empty() {
        return Ok((readers, owners));
    }
    let known = shared.peers.owners(addresses.clone()).await?;
    for email in addresses {
        if let Some(owner) = known.get(email.key()) {
            owners.insert(*owner);
        } else {
            let subject = shared.unsubscribe.subject_of(&email);
            readers.entry(subject).or_insert(Reader { email, name: None });
        }
    }
    Ok((readers, owners))
}

async fn holders(shared: &Shared, command: &Command, role: &str) -> Result<Vec<SubjectId>, Error> {
    let not_found = || Error::RecipientNotFound(role.to_owned());
    let organization = command.organization.ok_or_else(not_found)?;
    let (holders, has_more) = shared.peers.holders(organization, role).await?;
    if has_more {
        return Err(Error::TooMany);
    }
    if holders.is_empty() { Err(not_found()) } else { Ok(holders) }
}

fn accepted(shared: &Shared, command: &Command, spoken: &Spoken<'_>, readers: usize, now: Timestamp) -> Notification {
    let (title, _) = spoken.to(None);
    Notification {
        notification_id: NotificationId::new(now, &*shared.entropy),
        organization_id: command.organization,
        sender_id: command.sender,
        category: command.category,
        title: title.to_owned(),
        recipient_count: i32::try_from(readers).unwrap_or(i32::MAX),
        created: now,
        scheduled: command.scheduled,
        expires: command.expires,
        cancelled: None,
        template: match spoken {
            Spoken::Inline(_) => None,
            Spoken::Template { template, .. } => Some(Pinned {
                template_id: template.template_id,
                name: template.name.as_str().to_owned(),
                version: template.version,
            }),
        },
    }
}

/// The mail to one of its readers; its event is the notification. What a template says is said when it is sent, but for
/// the title, which a digest may have to tell.
fn draft(
    shared: &Shared,
    notification: &Notification,
    (title, text): (&str, &str),
    (subject, reader, instance): (SubjectId, &Reader, Option<&str>),
) -> Draft {
    let said = [
        ("title", Some(title)),
        ("text", Some(text).filter(|_| notification.template.is_none())),
        ("recipient_name", reader.name.as_deref()),
        ("instance_name", instance),
    ];
    let said = said.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
    Draft {
        delivery_id: DeliveryId::new(notification.created, &*shared.entropy),
        event_id: EventId::from_uuid(notification.notification_id.as_uuid()),
        organization_id: notification.organization_id,
        recipient_id: subject,
        template: Template::Message,
        email: reader.email.clone(),
        variables: said.collect::<Variables>(),
        sealed_secret: None,
        expires: notification.expires,
        channel: shared.channel.kind(),
        trace: rolecall_telemetry::context::current(),
        category: notification.category,
        due: notification.scheduled,
    }
}

/// The messages for those readers who have an account and want such in their inbox.
fn messages(
    shared: &Shared,
    spoken: &Spoken<'_>,
    notification: &Notification,
    readers: &BTreeMap<SubjectId, Reader>,
    wishes: &Wishes,
) -> Vec<InboxMessage> {
    let people = readers.iter().filter(|(_, reader)| reader.name.is_some()).map(|(subject, _)| *subject);
    let wants = |subject: &SubjectId| {
        wishes.get(subject).is_none_or(|wishes| wishes.wants(notification.category, Medium::Inbox))
    };
    let message = |recipient_id| {
        let (title, text) = spoken.to(wishes.get(&recipient_id).and_then(|wishes| wishes.locale.as_ref()));
        InboxMessage {
            message_id: MessageId::new(notification.created, &*shared.entropy),
            recipient_id,
            notification_id: Some(notification.notification_id),
            organization_id: notification.organization_id,
            sender_id: notification.sender_id,
            category: notification.category,
            title: title.to_owned(),
            text: text.to_owned(),
            reply_to_id: None,
            visible: notification.scheduled.unwrap_or(notification.created),
            expires: notification.expires,
            read: None,
        }
    };
    people.filter(wants).map(message).collect()
}

fn sent(shared: &Shared, command: &Command, notification: &Notification) -> Event {
    Event {
        event_id: EventId::new(notification.created, &*shared.entropy),
        actor: Some(command.sender),
        organization_id: notification.organization_id,
        target: None,
        request_id: command.call_id.clone(),
        occurred: notification.created,
        what: What::NotificationSent {
            notification_id: notification.notification_id,
            category: notification.category.as_str(),
            recipient_count: notification.recipient_count,
        },
    }
}
