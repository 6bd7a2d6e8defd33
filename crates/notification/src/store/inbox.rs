//! Inboxes: every query names whose it is.

use rolecall_db::{Error, Reader, Tx};
use rolecall_kernel::id::{MessageId, NotificationId, OrganizationId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::{Expr, Uuid};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::deliveries::category;
use super::entity::inbox_message::{ActiveModel, Column, Entity, Model};
use crate::domain::message::{InboxMessage, Summary};

/// Both databases bound the values of one statement, of which each row takes 14.
const ROWS: usize = 500;

/// Stores messages.
pub(crate) async fn insert(tx: &Tx, messages: &[InboxMessage]) -> Result<(), Error> {
    for messages in messages.chunks(ROWS) {
        Entity::insert_many(messages.iter().map(row)).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Lists the messages of a person, the newest first.
pub(crate) async fn list(
    reader: &Reader,
    (recipient, now): (SubjectId, Timestamp),
    is_unread: bool,
    after: Option<MessageId>,
    size: PageSize,
) -> Result<Page<InboxMessage>, Error> {
    let mut condition = lying(recipient, now);
    if is_unread {
        condition = condition.add(Column::Read.is_null());
    }
    if let Some(after) = after {
        condition = condition.add(Column::MessageId.lt(after.as_uuid()));
    }
    let query = Entity::find().filter(condition).order_by_desc(Column::MessageId);
    let rows = query.limit(u64::from(size.get()) + 1).all(reader).await?;
    Ok(Page::from_overfetch(rows.into_iter().map(read).collect(), size))
}

/// Counts the messages of a person.
pub(crate) async fn count<C: ConnectionTrait>(
    connection: &C,
    recipient: SubjectId,
    now: Timestamp,
) -> Result<Summary, Error> {
    let all = Entity::find().filter(lying(recipient, now));
    let unread = all.clone().filter(Column::Read.is_null());
    let whole = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    let (messages, unread) = (all.count(connection).await?, unread.count(connection).await?);
    Ok(Summary { messages: whole(messages), unread: whole(unread) })
}

/// Looks for a message of a person.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    recipient: SubjectId,
    id: MessageId,
    now: Timestamp,
) -> Result<Option<InboxMessage>, Error> {
    let condition = lying(recipient, now).add(Column::MessageId.eq(id.as_uuid()));
    Ok(Entity::find().filter(condition).one(connection).await?.map(read))
}

/// Returns those of the messages that lie in the inbox of a person.
pub(crate) async fn list_ids(
    tx: &Tx,
    recipient: SubjectId,
    ids: &[MessageId],
    now: Timestamp,
) -> Result<Vec<MessageId>, Error> {
    let condition = lying(recipient, now).add(Column::MessageId.is_in(ids.iter().map(|id| id.as_uuid())));
    let query = Entity::find().select_only().column(Column::MessageId).filter(condition);
    let found: Vec<Uuid> = query.into_tuple().all(tx).await?;
    Ok(found.into_iter().map(MessageId::from_uuid).collect())
}

/// Marks messages of a person; what is read already keeps its time.
pub(crate) async fn update_read(
    tx: &Tx,
    recipient: SubjectId,
    ids: &[MessageId],
    read: Option<Timestamp>,
) -> Result<(), Error> {
    let mut update = Entity::update_many()
        .col_expr(Column::Read, Expr::value(read.map(Timestamp::as_micros)))
        .filter(Column::RecipientId.eq(recipient.as_uuid()))
        .filter(Column::MessageId.is_in(ids.iter().map(|id| id.as_uuid())));
    if read.is_some() {
        update = update.filter(Column::Read.is_null());
    }
    update.exec(tx).await?;
    Ok(())
}

/// Deletes messages of a person.
pub(crate) async fn delete(tx: &Tx, recipient: SubjectId, ids: &[MessageId]) -> Result<(), Error> {
    let of_person = Entity::delete_many().filter(Column::RecipientId.eq(recipient.as_uuid()));
    of_person.filter(Column::MessageId.is_in(ids.iter().map(|id| id.as_uuid()))).exec(tx).await?;
    Ok(())
}

/// Deletes the messages of a notification that nobody sees yet; returns how many.
pub(crate) async fn delete_waiting(tx: &Tx, id: NotificationId, now: Timestamp) -> Result<u64, Error> {
    let waiting = Entity::delete_many().filter(Column::NotificationId.eq(id.as_uuid()));
    Ok(waiting.filter(Column::Visible.gt(now.as_micros())).exec(tx).await?.rows_affected)
}

/// Deletes the inbox of a person; with an erasure also what it answered others.
pub(crate) async fn delete_all(tx: &Tx, person: SubjectId, is_erased: bool) -> Result<(), Error> {
    Entity::delete_many().filter(Column::RecipientId.eq(person.as_uuid())).exec(tx).await?;
    if is_erased {
        let answers = Entity::delete_many().filter(Column::SenderId.eq(person.as_uuid()));
        answers.filter(Column::ReplyTo.is_not_null()).exec(tx).await?;
    }
    Ok(())
}

/// Deletes up to `most` messages that came before a time; returns how many.
pub(crate) async fn delete_old(tx: &Tx, before: Timestamp, most: u64) -> Result<u64, Error> {
    let old = Entity::find().select_only().column(Column::MessageId);
    let ids: Vec<Uuid> = old.filter(Column::Visible.lt(before.as_micros())).limit(most).into_tuple().all(tx).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(Entity::delete_many().filter(Column::MessageId.is_in(ids)).exec(tx).await?.rows_affected)
}

fn lying(recipient: SubjectId, now: Timestamp) -> Condition {
    let now = now.as_micros();
    Condition::all()
        .add(Column::RecipientId.eq(recipient.as_uuid()))
        .add(Column::Visible.lte(now))
        .add(Condition::any().add(Column::Expires.is_null()).add(Column::Expires.gt(now)))
}

fn row(message: &InboxMessage) -> ActiveModel {
    ActiveModel {
        message_id: Set(message.message_id.as_uuid()),
        recipient_id: Set(message.recipient_id.as_uuid()),
        notification_id: Set(message.notification_id.map(NotificationId::as_uuid)),
        organization_id: Set(message.organization_id.map(OrganizationId::as_uuid)),
        sender_id: Set(message.sender_id.as_uuid()),
        category: Set(message.category.as_str().to_owned()),
        title: Set(message.title.clone()),
        body: Set(message.text.clone()),
        reply_to: Set(message.reply_to_id.map(MessageId::as_uuid)),
        visible: Set(message.visible.as_micros()),
        expires: Set(message.expires.map(Timestamp::as_micros)),
        read: Set(message.read.map(Timestamp::as_micros)),
        seq: Set(None),
    }
}

pub(super) fn read(row: Model) -> InboxMessage {
    InboxMessage {
        message_id: MessageId::from_uuid(row.message_id),
        recipient_id: SubjectId::from_uuid(row.recipient_id),
        notification_id: row.notification_id.map(NotificationId::from_uuid),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        sender_id: SubjectId::from_uuid(row.sender_id),
        category: category(&row.category),
        title: row.title,
        text: row.body,
        reply_to_id: row.reply_to.map(MessageId::from_uuid),
        visible: Timestamp::from_micros(row.visible),
        expires: row.expires.map(Timestamp::from_micros),
        read: row.read.map(Timestamp::from_micros),
    }
}
