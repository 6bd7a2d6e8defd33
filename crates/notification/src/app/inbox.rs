//! A person's own inbox: read, marked, emptied, answered.

use std::collections::HashSet;

use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{EventId, MessageId, OrganizationId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;

use super::pace::{self, TooMany};
use crate::context::Shared;
use crate::domain::category::{Category, Medium};
use crate::domain::event::{Event, What};
use crate::domain::message::{InboxMessage, Summary};
use crate::domain::notification::Body;
use crate::events::publish;
use crate::peers::Unreachable;
use crate::store::{ended, inbox, preferences};

/// What an answer's title begins with, once.
const RE: &str = "Re: ";

/// Why nothing happens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such message")]
    NotFound(MessageId),
    #[error("whoever sent it reads no answers")]
    ReplyNotPossible(MessageId),
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// What happens to messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// They are read, or unread again.
    Mark { is_unread: bool },
    /// They are gone.
    Delete,
}

/// Which messages of whose inbox.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) person: SubjectId,
    pub(crate) deed: Deed,
    /// Without repeats.
    pub(crate) message_ids: Vec<MessageId>,
    pub(crate) repeat: Option<Repeat<Summary>>,
}

/// An answer to the sender of a message.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) person: SubjectId,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) call_id: Option<String>,
    pub(crate) message_id: MessageId,
    pub(crate) text: Body,
    pub(crate) repeat: Option<Repeat<InboxMessage>>,
}

/// Lists a page of the person's messages.
pub(crate) async fn list(
    shared: &Shared,
    person: SubjectId,
    is_unread: bool,
    after: Option<MessageId>,
    size: PageSize,
) -> Result<Page<InboxMessage>, Error> {
    let whose = (person, shared.clock.now());
    Ok(inbox::list(&shared.database.reader(), whose, is_unread, after, size).await?)
}

/// Counts the person's messages.
pub(crate) async fn count(shared: &Shared, person: SubjectId) -> Result<Summary, Error> {
    Ok(inbox::count(&shared.database.reader(), person, shared.clock.now()).await?)
}

/// Marks or deletes messages: all that are named, or none.
pub(crate) async fn change(shared: &Shared, command: &Change) -> Result<Answer<Summary>, Error> {
    let now = shared.clock.now();
    once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        let (person, ids) = (command.person, command.message_ids.as_slice());
        let found: HashSet<MessageId> = inbox::list_ids(&tx, person, ids, now).await?.into_iter().collect();
        if let Some(missing) = ids.iter().find(|id| !found.contains(id)) {
            return Err(Error::NotFound(*missing));
        }
        match command.deed {
            Deed::Mark { is_unread } => inbox::update_read(&tx, person, ids, (!is_unread).then_some(now)).await?,
            Deed::Delete => inbox::delete(&tx, person, ids).await?,
        }
        Ok(inbox::count(&tx, person, now).await?)
    })
    .await
}

/// Answers the person that sent a message.
pub(crate) async fn reply(shared: &Shared, command: &Reply) -> Result<Answer<InboxMessage>, Error> {
    if let Some(repeat) = &command.repeat
        && let Some(answer) = repeat.key.find::<Error>(&shared.database).await?
    {
        return Ok(Answer::Repeated(answer));
    }
    let now = shared.clock.now();
    let found = inbox::find(&shared.database.reader(), command.person, command.message_id, now).await?;
    let message = &found.ok_or(Error::NotFound(command.message_id))?;
    // Asked before the transaction begins. Programs have no address, nor has who is gone.
    if !shared.peers.contacts(HashSet::from([message.sender_id])).await?.contains_key(&message.sender_id) {
        return Err(Error::ReplyNotPossible(command.message_id));
    }
    let answered = once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        ended::enter(&tx).await?;
        let answer = answer_to(shared, message, command, now);
        if !ended::list(&tx, [answer.recipient_id, answer.sender_id]).await?.is_empty() {
            return Err(Error::ReplyNotPossible(command.message_id));
        }
        pace::count(shared, &tx, answer.sender_id, &[answer.recipient_id], now).await??;
        // Who wants no messages is not told so: nobody learns what another prefers.
        if preferences::get(&tx, answer.recipient_id).await?.wants(Category::Message, Medium::Inbox) {
            inbox::insert(&tx, std::slice::from_ref(&answer)).await?;
        }
        tell(shared, &tx, command, &answer).await?;
        Ok::<_, Error>(answer)
    });
    let answered = answered.await?;
    shared.arrived.notify_one();
    Ok(answered)
}

fn answer_to(shared: &Shared, message: &InboxMessage, command: &Reply, now: Timestamp) -> InboxMessage {
    let title = message.title.strip_prefix(RE).unwrap_or(&message.title);
    InboxMessage {
        message_id: MessageId::new(now, &*shared.entropy),
        recipient_id: message.sender_id,
        notification_id: None,
        organization_id: message.organization_id,
        sender_id: command.person,
        category: Category::Message,
        title: format!("{RE}{title}"),
        text: command.text.as_str().to_owned(),
        reply_to_id: Some(message.message_id),
        visible: now,
        expires: None,
        read: None,
    }
}

async fn tell(shared: &Shared, tx: &Tx, command: &Reply, answer: &InboxMessage) -> Result<(), rolecall_db::Error> {
    let event = Event {
        event_id: EventId::new(answer.visible, &*shared.entropy),
        actor: Some(command.person),
        organization_id: command.organization,
        target: Some(answer.recipient_id),
        request_id: command.call_id.clone(),
        occurred: answer.visible,
        what: What::MessageAnswered(answer.message_id),
    };
    publish::append(tx, &event).await
}
