//! Notifications, and what became of their mails.

use std::collections::HashMap;

use rolecall_authz::{Permit, RowFacts, Scope, scope};
use rolecall_db::{Error, LockRows as _, Reader, Tx};
use rolecall_kernel::id::{NotificationId, OrganizationId, SubjectId, TemplateId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::Data;
use sea_orm::prelude::{Expr, Uuid};
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::deliveries::{category, code};
use super::entity::delivery;
use super::entity::notification::{ActiveModel, Column, Entity, Model};
use crate::domain::delivery::{State, Suppression};
use crate::domain::notification::{Counts, Notification, Pinned};

/// What a notification is sent with, and to whom it may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) template_id: TemplateId,
    pub(crate) version: i32,
    pub(crate) data: Data,
    /// Whether only members of the organization may get it.
    pub(crate) is_for_members: bool,
}

/// Stores a notification; with a template, also the data for it.
pub(crate) async fn insert(tx: &Tx, notification: &Notification, sending: Option<&Sending>) -> Result<(), Error> {
    let data = sending.map(|sending| serde_json::to_string(&sending.data)).transpose();
    let data = data.map_err(|error| DbErr::Json(error.to_string()))?.unwrap_or_default();
    let pinned = notification.template.as_ref();
    let row = ActiveModel {
        notification_id: Set(notification.notification_id.as_uuid()),
        organization_id: Set(notification.organization_id.map(OrganizationId::as_uuid)),
        sender_id: Set(notification.sender_id.as_uuid()),
        category: Set(notification.category.as_str().to_owned()),
        title: Set(notification.title.clone()),
        recipient_count: Set(notification.recipient_count),
        created: Set(notification.created.as_micros()),
        scheduled: Set(notification.scheduled.map(Timestamp::as_micros)),
        expires: Set(notification.expires.map(Timestamp::as_micros)),
        cancelled: Set(None),
        template_id: Set(pinned.map(|pinned| pinned.template_id.as_uuid())),
        template_name: Set(pinned.map(|pinned| pinned.name.clone()).unwrap_or_default()),
        template_version: Set(pinned.map(|pinned| pinned.version).unwrap_or_default()),
        data: Set(data),
        members_only: Set(sending.is_some_and(|sending| sending.is_for_members)),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Reads what those of the notifications are sent with that are sent with a template.
pub(crate) async fn list_sendings(tx: &Tx, ids: &[NotificationId]) -> Result<HashMap<NotificationId, Sending>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let of = Column::NotificationId.is_in(ids.iter().map(|id| id.as_uuid()));
    let rows = Entity::find().filter(of).filter(Column::TemplateId.is_not_null()).all(tx).await?;
    let sending = |row: Model| {
        let data = serde_json::from_str(&row.data).map_err(|error| DbErr::Json(error.to_string()))?;
        let template_id = TemplateId::from_uuid(row.template_id.unwrap_or_default());
        let sending = Sending { template_id, version: row.template_version, data, is_for_members: row.members_only };
        Ok((NotificationId::from_uuid(row.notification_id), sending))
    };
    rows.into_iter().map(sending).collect()
}

/// Lists notifications within a scope, the newest first.
pub(crate) async fn list(
    reader: &Reader,
    scope: &Scope,
    organization: Option<OrganizationId>,
    after: Option<NotificationId>,
    size: PageSize,
) -> Result<Page<Notification>, Error> {
    let mut condition = within(scope);
    if let Some(organization) = organization {
        condition = condition.add(Column::OrganizationId.eq(organization.as_uuid()));
    }
    if let Some(after) = after {
        condition = condition.add(Column::NotificationId.lt(after.as_uuid()));
    }
    let query = Entity::find().filter(condition).order_by_desc(Column::NotificationId);
    let rows = query.limit(u64::from(size.get()) + 1).all(reader).await?;
    Ok(Page::from_overfetch(rows.into_iter().map(read).collect(), size))
}

/// Looks for a notification within a scope.
pub(crate) async fn find(reader: &Reader, scope: &Scope, id: NotificationId) -> Result<Option<Notification>, Error> {
    let condition = within(scope).add(Column::NotificationId.eq(id.as_uuid()));
    Ok(Entity::find().filter(condition).one(reader).await?.map(read))
}

/// The same, and locks it.
pub(crate) async fn lock(tx: &Tx, scope: &Scope, id: NotificationId) -> Result<Option<(Notification, Permit)>, Error> {
    let condition = within(scope).add(Column::NotificationId.eq(id.as_uuid()));
    let row = Entity::find().filter(condition).lock_for_update().one(tx).await?.map(read);
    Ok(row.and_then(|notification| {
        let facts = RowFacts { organization_id: notification.organization_id, subject_id: None };
        Some((notification, scope.permit(facts)?))
    }))
}

/// Takes a notification back: what waits is not sent; returns how many mails that were. It also counts as taken back
/// when messages of it were that nobody has seen.
pub(crate) async fn update_cancelled(
    tx: &Tx,
    (notification, _): &(Notification, Permit),
    now: Timestamp,
    is_unseen: bool,
) -> Result<u64, Error> {
    use delivery::Column as Of;
    let id = notification.notification_id.as_uuid();
    // What is under way may have left already.
    let waits = Condition::any().add(Of::Lease.is_null()).add(Of::NextAttempt.lte(now.as_micros()));
    let done =
        suppress(Suppression::Cancelled).filter(Of::EventId.eq(id)).filter(waiting()).filter(waits).exec(tx).await?;
    let gathered = delivery::Entity::update_many()
        .col_expr(Of::DigestDue, Expr::value(None::<i64>))
        .col_expr(Of::Suppressed, Expr::value(Suppression::Cancelled.as_str()))
        .filter(Of::EventId.eq(id))
        .filter(Of::DigestDue.is_not_null())
        .exec(tx)
        .await?;
    let affected = done.rows_affected + gathered.rows_affected;
    if affected > 0 || is_unseen {
        Entity::update_many()
            .col_expr(Column::Cancelled, Expr::value(now.as_micros()))
            .filter(Column::NotificationId.eq(id))
            .exec(tx)
            .await?;
    }
    Ok(affected)
}

/// What may still be sent: pending, or parked until somebody takes it up.
pub(super) fn waiting() -> SimpleExpr {
    delivery::Column::State.is_in([State::Pending, State::Parked].map(code))
}

/// Ends deliveries that are not sent for this reason, their secrets erased.
pub(super) fn suppress(why: Suppression) -> sea_orm::UpdateMany<delivery::Entity> {
    use delivery::Column as Of;
    delivery::Entity::update_many()
        .col_expr(Of::State, Expr::value(code(State::Suppressed)))
        .col_expr(Of::Suppressed, Expr::value(why.as_str()))
        .col_expr(Of::SealedSecret, Expr::value(None::<Vec<u8>>))
        .col_expr(Of::Lease, Expr::value(None::<Uuid>))
}

/// Counts what became of its mails.
pub(crate) async fn count<C: ConnectionTrait>(connection: &C, id: NotificationId) -> Result<Counts, Error> {
    use delivery::Column as Of;
    let query = delivery::Entity::find().select_only().column(Of::State).column(Of::Suppressed);
    let query = query.column_as(Of::DeliveryId.count(), "mails").filter(Of::EventId.eq(id.as_uuid()));
    let query = query.group_by(Of::State).group_by(Of::Suppressed);
    let rows: Vec<(i16, Option<String>, i64)> = query.into_tuple().all(connection).await?;
    let mut counts = Counts::default();
    for (state, suppressed, mails) in rows {
        let of = match state {
            _ if suppressed.is_some() => &mut counts.suppressed,
            0 => &mut counts.pending,
            1 => &mut counts.sent,
            2 => &mut counts.parked,
            _ => &mut counts.expired,
        };
        *of += i32::try_from(mails).unwrap_or(i32::MAX);
    }
    Ok(counts)
}

/// Deletes up to `most` notifications that were to be sent before a time; returns how many.
pub(crate) async fn delete_old(tx: &Tx, before: Timestamp, most: u64) -> Result<u64, Error> {
    let old = Entity::find().select_only().column(Column::NotificationId);
    // What is taken up once more outlives its time, and what it says with it.
    let is_left = "template_id IS NULL OR NOT EXISTS (SELECT 1 FROM deliveries WHERE event_id = notification_id)";
    let old = old.filter(Expr::cust(is_left));
    // Spelled as in the index that serves it.
    let old = old.filter(Expr::cust("COALESCE(scheduled, created)").lt(before.as_micros())).limit(most);
    let ids: Vec<Uuid> = old.into_tuple().all(tx).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(Entity::delete_many().filter(Column::NotificationId.is_in(ids)).exec(tx).await?.rows_affected)
}

fn within(scope: &Scope) -> Condition {
    let all = Condition::all();
    match scope.as_organization_filter() {
        scope::Filter::All => all,
        scope::Filter::Organizations(ids) => all.add(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))),
        scope::Filter::Subject(_) | scope::Filter::Nothing => all.add(Expr::cust("1 = 0")),
    }
}

fn read(row: Model) -> Notification {
    Notification {
        notification_id: NotificationId::from_uuid(row.notification_id),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        sender_id: SubjectId::from_uuid(row.sender_id),
        category: category(&row.category),
        title: row.title,
        recipient_count: row.recipient_count,
        created: Timestamp::from_micros(row.created),
        scheduled: row.scheduled.map(Timestamp::from_micros),
        expires: row.expires.map(Timestamp::from_micros),
        cancelled: row.cancelled.map(Timestamp::from_micros),
        template: row.template_id.map(|id| Pinned {
            template_id: TemplateId::from_uuid(id),
            name: row.template_name,
            version: row.template_version,
        }),
    }
}
