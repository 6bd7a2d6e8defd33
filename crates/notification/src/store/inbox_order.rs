//! In which order messages came to lie in inboxes, for those who watch.
//!
//! Ids do not tell it: transactions commit out of order, and what is scheduled lies there later. So numbers are given
//! after the commit, by one transaction at a time: whoever has read up to a number has missed nothing below it.

use rolecall_db::{Error, Reader, Tx};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::Uuid;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Statement, Value,
};

use super::entity::inbox_message::{Column, Entity};
use super::inbox::read;
use crate::domain::message::InboxMessage;

/// Gives up to `most` messages that lie in inboxes by now their numbers; returns how many.
pub(crate) async fn number(tx: &Tx, now: Timestamp, most: u32) -> Result<u64, Error> {
    // The row is held from here on, and the next statement sees all that was committed before. Some numbers may be left
    // out, since somebody may delete a message meanwhile; none is given twice.
    let head = "UPDATE inbox_order SET head = head + $1 WHERE number = 1 RETURNING head - $1 AS head";
    let row = tx.query_one_raw(statement(tx, head, vec![i64::from(most).into()])).await?;
    let head: i64 = row.ok_or_else(|| DbErr::RecordNotFound("inbox_order".to_owned()))?.try_get("", "head")?;
    let text = "UPDATE inbox_messages SET seq = $1 + chosen.rank FROM (
            SELECT message_id, row_number() OVER (ORDER BY visible, message_id) AS rank FROM (
                SELECT message_id, visible FROM inbox_messages WHERE seq IS NULL AND visible <= $2
                ORDER BY visible, message_id LIMIT $3
            ) AS waiting
        ) AS chosen
        WHERE inbox_messages.message_id = chosen.message_id";
    let values = vec![head.into(), now.as_micros().into(), i64::from(most).into()];
    let numbered = tx.execute_raw(statement(tx, text, values)).await?.rows_affected();
    if numbered > 0 {
        tx.announce_change();
    }
    Ok(numbered)
}

/// Tells whether a message waits for its number; cheap, and takes no lock.
pub(crate) async fn is_any_waiting(reader: &Reader, now: Timestamp) -> Result<bool, Error> {
    let waiting = Entity::find().select_only().column(Column::MessageId);
    let waiting = waiting.filter(Column::Seq.is_null()).filter(Column::Visible.lte(now.as_micros())).limit(1);
    Ok(waiting.into_tuple::<Uuid>().one(reader).await?.is_some())
}

/// Returns a number that no message has yet that gets one from now on, and that none goes beyond that has one.
pub(crate) async fn head(reader: &Reader) -> Result<i64, Error> {
    let row = reader.query_one_raw(statement(reader, "SELECT head FROM inbox_order WHERE number = 1", vec![])).await?;
    Ok(row.map(|row| row.try_get("", "head")).transpose()?.unwrap_or_default())
}

/// Reads the messages of a person after a number, in order; what has expired is left out.
///
/// Whatever has a number lies there: the clock of whoever gave it said so, and that of the reader, which may be behind,
/// is not asked again. A message that it left out would be passed over for ever.
pub(crate) async fn read_after(
    reader: &Reader,
    (recipient, now): (SubjectId, Timestamp),
    after: i64,
    most: u64,
) -> Result<Vec<(i64, InboxMessage)>, Error> {
    let now = now.as_micros();
    let query = Entity::find()
        .filter(Column::RecipientId.eq(recipient.as_uuid()))
        .filter(Column::Seq.gt(after))
        .filter(Condition::any().add(Column::Expires.is_null()).add(Column::Expires.gt(now)));
    let rows = query.order_by_asc(Column::Seq).limit(most).all(reader).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.seq?, read(row)))).collect())
}

fn statement<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}
