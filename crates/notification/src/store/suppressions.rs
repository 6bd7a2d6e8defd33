//! Addresses that get no mail, each once by its key.

use std::collections::HashSet;

use rolecall_db::{Error, Reader, Tx};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, Condition, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};

use super::entity::delivery;
use super::entity::suppression::{ActiveModel, Column, Entity, Model};
use crate::domain::suppression::{Reason, Suppression};

/// Stores an address; `false` when it is there already, and stays as it is.
pub(crate) async fn insert(tx: &Tx, suppression: &Suppression) -> Result<bool, Error> {
    let row = ActiveModel {
        email_key: Set(suppression.email.key().to_owned()),
        email: Set(suppression.email.as_str().to_owned()),
        reason: Set(suppression.reason.as_str().to_owned()),
        detail: Set(suppression.detail.clone()),
        actor_id: Set(suppression.actor.map(SubjectId::as_uuid)),
        recipient_id: Set(suppression.recipient.map(SubjectId::as_uuid)),
        created: Set(suppression.created.as_micros()),
    };
    let nothing = OnConflict::column(Column::EmailKey).do_nothing().to_owned();
    Ok(Entity::insert(row).on_conflict(nothing).exec_without_returning(tx).await? == 1)
}

/// Lists addresses in the order of their keys; only one, if it is named.
pub(crate) async fn list(
    reader: &Reader,
    only: Option<&EmailAddress>,
    after: Option<&str>,
    size: PageSize,
) -> Result<Page<Suppression>, Error> {
    let mut condition = Condition::all();
    if let Some(email) = only {
        condition = condition.add(Column::EmailKey.eq(email.key()));
    }
    if let Some(after) = after {
        condition = condition.add(Column::EmailKey.gt(after));
    }
    let query = Entity::find().filter(condition).order_by_asc(Column::EmailKey);
    let rows = query.limit(u64::from(size.get()) + 1).all(reader).await?;
    Ok(Page::from_overfetch(rows.into_iter().map(read).collect::<Result<_, _>>()?, size))
}

/// Returns those of the keys whose addresses get no mail.
pub(crate) async fn among(reader: &Reader, keys: HashSet<String>) -> Result<HashSet<String>, Error> {
    if keys.is_empty() {
        return Ok(keys);
    }
    let query = Entity::find().select_only().column(Column::EmailKey).filter(Column::EmailKey.is_in(keys));
    Ok(query.into_tuple::<String>().all(reader).await?.into_iter().collect())
}

/// Takes an address away; `false` when it is not there.
pub(crate) async fn delete(tx: &Tx, email: &EmailAddress) -> Result<bool, Error> {
    let done = Entity::delete_many().filter(Column::EmailKey.eq(email.key())).exec(tx).await?;
    Ok(done.rows_affected > 0)
}

/// Forgets the addresses of a person that is erased: those that its mails were refused at, and went to.
pub(super) async fn erase(tx: &Tx, recipient: SubjectId) -> Result<(), Error> {
    let mails = delivery::Entity::find().select_only().column(delivery::Column::Email).distinct();
    let mails = mails.filter(delivery::Column::RecipientId.eq(recipient.as_uuid()));
    let emails: Vec<String> = mails.into_tuple().all(tx).await?;
    let keys = emails.iter().filter_map(|email| Some(EmailAddress::parse(email).ok()?.key().to_owned()));
    let of_person = Condition::any().add(Column::RecipientId.eq(recipient.as_uuid())).add(Column::EmailKey.is_in(keys));
    Entity::delete_many().filter(of_person).exec(tx).await?;
    Ok(())
}

fn read(row: Model) -> Result<Suppression, Error> {
    Ok(Suppression {
        email: EmailAddress::parse(&row.email).map_err(|error| DbErr::Custom(error.to_string()))?,
        reason: if row.reason == Reason::Manual.as_str() { Reason::Manual } else { Reason::Bounce },
        detail: row.detail,
        actor: row.actor_id.map(SubjectId::from_uuid),
        recipient: row.recipient_id.map(SubjectId::from_uuid),
        created: Timestamp::from_micros(row.created),
    })
}
