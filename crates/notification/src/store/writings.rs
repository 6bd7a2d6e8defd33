//! Who wrote to whom lately: counted whether or not it lies in an inbox still, or ever did, so that the limit tells
//! nobody what another prefers.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{MessageId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::Uuid;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::writing::{ActiveModel, Column, Entity};

/// Both databases bound the values of one statement, of which each row takes 4.
const ROWS: usize = 1_000;

/// Remembers that somebody wrote to people.
pub(crate) async fn insert(
    tx: &Tx,
    sender: SubjectId,
    written: &[(MessageId, SubjectId)],
    now: Timestamp,
) -> Result<(), Error> {
    let row = |(id, recipient): &(MessageId, SubjectId)| ActiveModel {
        writing_id: Set(id.as_uuid()),
        sender_id: Set(sender.as_uuid()),
        recipient_id: Set(recipient.as_uuid()),
        written: Set(now.as_micros()),
    };
    for written in written.chunks(ROWS) {
        Entity::insert_many(written.iter().map(row)).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Returns when somebody wrote to one of these people for the `most`th time before its last, of those since a time:
/// from then on it may write once more. Nothing when it may now.
pub(crate) async fn find_full(
    tx: &Tx,
    sender: SubjectId,
    recipients: &[SubjectId],
    most: u16,
    since: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let lately = Entity::find()
        .select_only()
        .filter(Column::SenderId.eq(sender.as_uuid()))
        .filter(Column::Written.gt(since.as_micros()));
    let full = lately.clone().column(Column::RecipientId);
    let full = full.filter(Column::RecipientId.is_in(recipients.iter().map(|recipient| recipient.as_uuid())));
    let full = full.group_by(Column::RecipientId).having(Column::WritingId.count().gte(i64::from(most))).limit(1);
    let Some(recipient) = full.into_tuple::<Uuid>().one(tx).await? else { return Ok(None) };
    let times = lately.column(Column::Written).filter(Column::RecipientId.eq(recipient));
    let times = times.order_by_desc(Column::Written).offset(u64::from(most) - 1).limit(1);
    Ok(times.into_tuple::<i64>().one(tx).await?.map(Timestamp::from_micros))
}

/// Forgets up to `most` of what was written until a time; returns how many.
pub(crate) async fn delete_old(tx: &Tx, before: Timestamp, most: u64) -> Result<u64, Error> {
    let old = Entity::find().select_only().column(Column::WritingId);
    let ids: Vec<Uuid> = old.filter(Column::Written.lte(before.as_micros())).limit(most).into_tuple().all(tx).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(Entity::delete_many().filter(Column::WritingId.is_in(ids)).exec(tx).await?.rows_affected)
}
