//! Who attempts a delivery: claims under a lease, and what came of them.
//!
//! A claim writes its attempt down before anything is sent. A process that dies leaves the attempt
//! without an outcome; whoever claims the delivery after the lease marks it `unknown`.

use std::time::Duration;

use rolecall_db::{Error, Reader, Tx};
use rolecall_kernel::id::{DeliveryId, EventId, OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::{Expr, Uuid};
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    Set,
};

use super::deliveries::{category, code};
use super::entity::{attempt, delivery};
use crate::domain::delivery::{AttemptOutcome, ChannelKind, Due, State};
use crate::domain::schedule::Next;

/// A claim: whose, and how long it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) holder: Uuid,
    pub(crate) ttl: Duration,
}

/// What came of an attempt, to be written down.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) delivery_id: DeliveryId,
    pub(crate) number: i32,
    pub(crate) outcome: AttemptOutcome,
    pub(crate) detail: String,
    pub(crate) next: Next,
}

/// What is mandatory comes first, however much else waits.
const URGENCIES: [i16; 2] = [0, 1];

/// Tells whether anything is due or has expired; cheap, and takes no lock.
pub(crate) async fn is_any_due(reader: &Reader, now: Timestamp) -> Result<bool, Error> {
    use delivery::Column;
    // The state is a literal, so that the partial indexes serve prepared statements too.
    let due = |urgency: i16| Column::Urgency.eq(urgency).and(Column::NextAttempt.lte(now.as_micros()));
    let expired = Column::Expires.is_not_null().and(Column::Expires.lte(now.as_micros()));
    for condition in URGENCIES.map(due).into_iter().chain([expired]) {
        let query = delivery::Entity::find().select_only().column(Column::DeliveryId);
        let query = query.filter(Expr::cust("state = 0")).filter(condition).limit(1);
        if query.into_tuple::<Uuid>().one(reader).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ends deliveries whose time is over, their secrets erased; leaves alone what is under way.
pub(crate) async fn expire(tx: &Tx, now: Timestamp) -> Result<u64, Error> {
    use delivery::Column;
    let idle = Column::Lease.is_null().or(Column::NextAttempt.lte(now.as_micros()));
    let done = delivery::Entity::update_many()
        .col_expr(Column::State, Expr::value(code(State::Expired)))
        .col_expr(Column::SealedSecret, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::Lease, Expr::value(None::<Uuid>))
        .filter(Expr::cust("state = 0 AND expires IS NOT NULL"))
        .filter(Column::Expires.lte(now.as_micros()))
        .filter(idle)
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// Claims up to `most` due deliveries, mandatory ones first, and begins an attempt at each.
pub(crate) async fn claim(
    tx: &Tx,
    lease: Lease,
    channel: ChannelKind,
    most: u64,
    now: Timestamp,
) -> Result<Vec<Due>, Error> {
    use delivery::Column;
    let mut rows = Vec::new();
    for urgency in URGENCIES {
        let left = most.saturating_sub(rows.len() as u64);
        if left > 0 {
            // PostgreSQL: what another process is claiming this moment is passed over, not waited for.
            let due = due(urgency, left, now).lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
            rows.extend(due.all(tx).await?);
        }
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.delivery_id).collect();
    mark_unknown(tx, &ids).await?;
    delivery::Entity::update_many()
        .col_expr(Column::Lease, Expr::value(lease.holder))
        .col_expr(Column::NextAttempt, Expr::value(now.plus(lease.ttl).as_micros()))
        .col_expr(Column::AttemptCount, Expr::col(Column::AttemptCount).add(1))
        .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
        .col_expr(Column::Channel, Expr::value(channel.as_str()))
        .filter(Column::DeliveryId.is_in(ids))
        .exec(tx)
        .await?;
    let begun = rows.iter().map(|row| begin(row, now));
    attempt::Entity::insert_many(begun).exec_without_returning(tx).await?;
    Ok(rows.into_iter().map(claimed).collect())
}

/// What is due of one urgency, in the order of the index that serves it.
fn due(urgency: i16, most: u64, now: Timestamp) -> Select<delivery::Entity> {
    use delivery::Column;
    delivery::Entity::find()
        .filter(Expr::cust("state = 0"))
        .filter(Column::Urgency.eq(urgency))
        .filter(Column::NextAttempt.lte(now.as_micros()))
        .order_by_asc(Column::NextAttempt)
        .order_by_asc(Column::DeliveryId)
        .limit(most)
}

/// An attempt that was begun and never ended died with its process.
async fn mark_unknown(tx: &Tx, ids: &[Uuid]) -> Result<(), Error> {
    use attempt::Column;
    attempt::Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(AttemptOutcome::Unknown.as_str()))
        .col_expr(Column::Detail, Expr::value("the process ended before the answer came"))
        .filter(Column::DeliveryId.is_in(ids.iter().copied()))
        .filter(Column::Outcome.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

fn begin(row: &delivery::Model, now: Timestamp) -> attempt::ActiveModel {
    attempt::ActiveModel {
        delivery_id: Set(row.delivery_id),
        number: Set(row.attempt_count + 1),
        started: Set(now.as_micros()),
        outcome: Set(None),
        detail: Set(String::new()),
    }
}

fn claimed(row: delivery::Model) -> Due {
    Due {
        delivery_id: DeliveryId::from_uuid(row.delivery_id),
        event_id: EventId::from_uuid(row.event_id),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        recipient_id: SubjectId::from_uuid(row.recipient_id),
        template: row.template,
        template_version: row.template_version,
        email: row.email,
        variables: row.variables,
        sealed_secret: row.sealed_secret,
        expires: row.expires.map(Timestamp::from_micros),
        created: Timestamp::from_micros(row.created),
        queued: Timestamp::from_micros(row.queued),
        tries: row.tries + 1,
        number: row.attempt_count + 1,
        category: category(&row.category),
        trace: row.trace,
    }
}

/// Writes down what came of an attempt; `false` when the delivery is no longer this claim's.
pub(crate) async fn settle(tx: &Tx, holder: Uuid, verdict: &Verdict, now: Timestamp) -> Result<bool, Error> {
    use delivery::Column;
    let id = verdict.delivery_id.as_uuid();
    attempt::Entity::update_many()
        .col_expr(attempt::Column::Outcome, Expr::value(verdict.outcome.as_str()))
        .col_expr(attempt::Column::Detail, Expr::value(verdict.detail.as_str()))
        .filter(attempt::Column::DeliveryId.eq(id))
        .filter(attempt::Column::Number.eq(verdict.number))
        .exec(tx)
        .await?;
    let update = delivery::Entity::update_many()
        .col_expr(Column::Lease, Expr::value(None::<Uuid>))
        .filter(Column::DeliveryId.eq(id))
        .filter(Expr::cust("state = 0"));
    let update = match verdict.next {
        // A sent mail is sent, whoever holds the claim by now: it must not be sent again.
        Next::Sent => finish(update, State::Sent).col_expr(Column::Sent, Expr::value(now.as_micros())),
        Next::Park => finish(update, State::Parked).filter(Column::Lease.eq(holder)),
        Next::Suppress { why, digest } => finish(update, State::Suppressed)
            .col_expr(Column::Suppressed, Expr::value(why.as_str()))
            .col_expr(Column::DigestDue, Expr::value(digest.map(Timestamp::as_micros)))
            .filter(Column::Lease.eq(holder)),
        Next::Retry { at, counted } => update
            .col_expr(Column::NextAttempt, Expr::value(at.as_micros()))
            .col_expr(Column::Tries, Expr::col(Column::Tries).sub(i32::from(!counted)))
            .filter(Column::Lease.eq(holder)),
    };
    Ok(update.exec(tx).await?.rows_affected == 1)
}

/// The end of a delivery is the end of its secret.
fn finish(update: sea_orm::UpdateMany<delivery::Entity>, state: State) -> sea_orm::UpdateMany<delivery::Entity> {
    update
        .col_expr(delivery::Column::State, Expr::value(code(state)))
        .col_expr(delivery::Column::SealedSecret, Expr::value(None::<Vec<u8>>))
}
