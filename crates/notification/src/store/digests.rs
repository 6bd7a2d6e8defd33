//! Mails that a digest tells.

use rolecall_db::{Error, Reader, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::{Expr, Uuid};
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::deliveries::category;
use super::entity::delivery::{Column, Entity};
use crate::domain::category::Category;

/// A mail that was not sent, for a digest to tell it.
pub(crate) struct Gathered {
    pub(crate) recipient_id: SubjectId,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) category: Category,
    pub(crate) email: String,
    pub(crate) variables: String,
}

/// Tells whether a digest is due; takes no lock.
pub(crate) async fn is_any_due(reader: &Reader, now: Timestamp) -> Result<bool, Error> {
    let query = Entity::find().select_only().column(Column::DeliveryId).filter(Expr::cust("digest_due IS NOT NULL"));
    let query = query.filter(Column::DigestDue.lte(now.as_micros())).limit(1);
    Ok(query.into_tuple::<Uuid>().one(reader).await?.is_some())
}

/// Takes up to `most` mails whose digest is due, those of one recipient beside each other, the oldest first.
pub(crate) async fn take(tx: &Tx, now: Timestamp, most: u64) -> Result<Vec<Gathered>, Error> {
    let due = Entity::find()
        .filter(Expr::cust("digest_due IS NOT NULL"))
        .filter(Column::DigestDue.lte(now.as_micros()))
        .order_by_asc(Column::RecipientId)
        .order_by_asc(Column::DeliveryId)
        .limit(most);
    // PostgreSQL: what another process takes this moment is passed over.
    let rows = due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).all(tx).await?;
    Entity::update_many()
        .col_expr(Column::DigestDue, Expr::value(None::<i64>))
        .filter(Column::DeliveryId.is_in(rows.iter().map(|row| row.delivery_id)))
        .exec(tx)
        .await?;
    let read = rows.into_iter().map(|row| Gathered {
        recipient_id: SubjectId::from_uuid(row.recipient_id),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        category: category(&row.category),
        email: row.email,
        variables: row.variables,
    });
    Ok(read.collect())
}
