//! Storing, reading and taking up deliveries.

use std::collections::HashMap;

use rolecall_authz::{Permit, RowFacts, Scope, scope};
use rolecall_db::{Error, LockRows as _, Reader, Tx};
use rolecall_kernel::id::{DeliveryId, OrganizationId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::{Expr, Uuid};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set,
};

use super::ended;
use super::entity::{attempt, delivery};
use crate::domain::category::Category;
use crate::domain::delivery::{Attempt, ChannelKind, Delivery, Draft, Filter, State};
use crate::domain::template::Template;

/// Both databases bound the values of one statement, of which each row takes 26.
const ROWS: usize = 500;

/// Stores deliveries, to be attempted at once. The transaction has [entered](ended::enter); nothing is written of who is
/// erased, and nothing that is not mandatory of who is gone.
pub(crate) async fn insert(tx: &Tx, drafts: Vec<Draft>, now: Timestamp) -> Result<(), Error> {
    let gone = ended::list(tx, drafts.iter().map(|draft| draft.recipient_id)).await?;
    let is_reachable = |draft: &Draft| {
        gone.get(&draft.recipient_id).is_none_or(|is_erased| !is_erased && draft.category.is_mandatory())
    };
    let rows = drafts.into_iter().filter(is_reachable).map(|draft| row(draft, now)).collect::<Result<Vec<_>, _>>()?;
    for rows in rows.chunks(ROWS) {
        delivery::Entity::insert_many(rows.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn row(draft: Draft, now: Timestamp) -> Result<delivery::ActiveModel, Error> {
    let due = draft.due.unwrap_or(now).as_micros();
    let variables = serde_json::to_string(&draft.variables).map_err(|error| sea_orm::DbErr::Json(error.to_string()))?;
    Ok(delivery::ActiveModel {
        delivery_id: Set(draft.delivery_id.as_uuid()),
        event_id: Set(draft.event_id.as_uuid()),
        organization_id: Set(draft.organization_id.map(OrganizationId::as_uuid)),
        recipient_id: Set(draft.recipient_id.as_uuid()),
        template: Set(draft.template.as_str().to_owned()),
        template_version: Set(Template::VERSION),
        email: Set(draft.email.as_str().to_owned()),
        variables: Set(variables),
        has_secret: Set(draft.sealed_secret.is_some()),
        sealed_secret: Set(draft.sealed_secret),
        state: Set(code(State::Pending)),
        channel: Set(draft.channel.as_str().to_owned()),
        next_attempt: Set(due),
        lease: Set(None),
        attempt_count: Set(0),
        tries: Set(0),
        queued: Set(due),
        expires: Set(draft.expires.map(Timestamp::as_micros)),
        created: Set(now.as_micros()),
        sent: Set(None),
        trace: Set(draft.trace),
        category: Set(draft.category.as_str().to_owned()),
        suppressed: Set(None),
        digest_due: Set(None),
        urgency: Set(urgency(draft.category)),
    })
}

/// Lists deliveries within a scope, the newest first.
pub(crate) async fn list(
    reader: &Reader,
    scope: &Scope,
    filter: Filter,
    after: Option<DeliveryId>,
    size: PageSize,
) -> Result<Page<Delivery>, Error> {
    use delivery::Column;
    let mut condition = within(scope);
    if let Some(organization) = filter.organization {
        condition = condition.add(Column::OrganizationId.eq(organization.as_uuid()));
    }
    if let Some(state) = filter.state {
        condition = condition.add(Column::State.eq(code(state)));
        match state {
            State::Expired => condition = condition.add(Column::Suppressed.is_null()),
            State::Suppressed => condition = condition.add(Column::Suppressed.is_not_null()),
            State::Pending | State::Sent | State::Parked => {}
        }
    }
    if let Some(recipient) = filter.recipient {
        condition = condition.add(Column::RecipientId.eq(recipient.as_uuid()));
    }
    if let Some(after) = after {
        condition = condition.add(Column::DeliveryId.lt(after.as_uuid()));
    }
    let query = delivery::Entity::find().filter(condition).order_by_desc(Column::DeliveryId);
    let rows = query.limit(u64::from(size.get()) + 1).all(reader).await?;
    Ok(Page::from_overfetch(rows.into_iter().map(read).collect(), size))
}

/// Looks for a delivery within a scope.
pub(crate) async fn find(reader: &Reader, scope: &Scope, id: DeliveryId) -> Result<Option<Delivery>, Error> {
    let condition = within(scope).add(delivery::Column::DeliveryId.eq(id.as_uuid()));
    Ok(delivery::Entity::find().filter(condition).one(reader).await?.map(read))
}

/// Reads deliveries within a scope, in no order, those that are there.
pub(crate) async fn list_by_id<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    ids: &[DeliveryId],
) -> Result<Vec<Delivery>, Error> {
    let rows = delivery::Entity::find().filter(any_of(scope, ids)).all(connection).await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The same, and locks them; in the order of their ids, so that two callers never wait for each other.
pub(crate) async fn lock(tx: &Tx, scope: &Scope, ids: &[DeliveryId]) -> Result<Vec<(Delivery, Permit)>, Error> {
    let query = delivery::Entity::find().filter(any_of(scope, ids)).order_by_asc(delivery::Column::DeliveryId);
    let rows = query.lock_for_update().all(tx).await?;
    Ok(rows.into_iter().map(read).filter_map(|delivery| permit(scope, delivery)).collect())
}

fn permit(scope: &Scope, delivery: Delivery) -> Option<(Delivery, Permit)> {
    let permit = scope.permit(RowFacts::of_subject(delivery.organization_id, delivery.recipient_id))?;
    Some((delivery, permit))
}

fn any_of(scope: &Scope, ids: &[DeliveryId]) -> Condition {
    within(scope).add(delivery::Column::DeliveryId.is_in(ids.iter().map(|id| id.as_uuid())))
}

/// Makes parked deliveries pending again, their schedule begun anew.
pub(crate) async fn update_retried(tx: &Tx, parked: &[(Delivery, Permit)], now: Timestamp) -> Result<(), Error> {
    use delivery::Column;
    let ids = parked.iter().map(|(delivery, _)| delivery.delivery_id.as_uuid());
    delivery::Entity::update_many()
        .col_expr(Column::State, Expr::value(code(State::Pending)))
        .col_expr(Column::NextAttempt, Expr::value(now.as_micros()))
        .col_expr(Column::Queued, Expr::value(now.as_micros()))
        .col_expr(Column::Tries, Expr::value(0))
        .filter(Column::DeliveryId.is_in(ids))
        .filter(Column::State.eq(code(State::Parked)))
        .exec(tx)
        .await?;
    Ok(())
}

/// Lists the attempts at a delivery, the oldest first.
pub(crate) async fn list_attempts(reader: &Reader, id: DeliveryId) -> Result<Vec<Attempt>, Error> {
    let query = attempt::Entity::find().filter(attempt::Column::DeliveryId.eq(id.as_uuid()));
    let rows = query.order_by_asc(attempt::Column::Number).all(reader).await?;
    Ok(rows.into_iter().map(read_attempt).collect())
}

/// Counts mails that recipients were sent since a time, by category, digests apart.
pub(crate) async fn count_sent(
    tx: &Tx,
    recipients: &[SubjectId],
    since: Timestamp,
) -> Result<HashMap<(SubjectId, Category), i64>, Error> {
    use delivery::Column;
    if recipients.is_empty() {
        return Ok(HashMap::new());
    }
    let query = delivery::Entity::find().select_only().column(Column::RecipientId).column(Column::Category);
    let query = query.column_as(Column::DeliveryId.count(), "mails");
    let query = query.filter(Column::RecipientId.is_in(recipients.iter().map(|recipient| recipient.as_uuid())));
    let query = query.filter(Column::Sent.gt(since.as_micros())).filter(Column::Template.ne(Template::Digest.as_str()));
    let query = query.group_by(Column::RecipientId).group_by(Column::Category);
    let rows: Vec<(Uuid, String, i64)> = query.into_tuple().all(tx).await?;
    let counted =
        rows.into_iter().map(|(recipient, of, mails)| ((SubjectId::from_uuid(recipient), category(&of)), mails));
    Ok(counted.collect())
}

/// Deletes up to `most` deliveries that are finished and were last queued before a time; returns how many.
pub(crate) async fn delete_finished(tx: &Tx, before: Timestamp, most: u64) -> Result<u64, Error> {
    use delivery::Column;
    let old = delivery::Entity::find()
        .select_only()
        .column(Column::DeliveryId)
        // A literal, so that the partial index serves a prepared statement too.
        .filter(Expr::cust("state <> 0"))
        // What a digest still has to tell is not finished.
        .filter(Column::DigestDue.is_null())
        .filter(Column::Queued.lt(before.as_micros()))
        .limit(most);
    let ids: Vec<Uuid> = old.into_tuple().all(tx).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(delivery::Entity::delete_many().filter(Column::DeliveryId.is_in(ids)).exec(tx).await?.rows_affected)
}

/// What of the table the caller may see at all.
fn within(scope: &Scope) -> Condition {
    use delivery::Column;
    let all = Condition::all();
    match scope.as_organization_filter() {
        scope::Filter::All => all,
        scope::Filter::Organizations(ids) => all.add(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))),
        scope::Filter::Subject(subject) => all.add(Column::RecipientId.eq(subject.as_uuid())),
        scope::Filter::Nothing => all.add(Expr::cust("1 = 0")),
    }
}

fn read(row: delivery::Model) -> Delivery {
    let state = if row.suppressed.is_some() { State::Suppressed } else { state(row.state) };
    Delivery {
        delivery_id: DeliveryId::from_uuid(row.delivery_id),
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        recipient_id: SubjectId::from_uuid(row.recipient_id),
        template: row.template,
        channel: ChannelKind::parse(&row.channel).unwrap_or(ChannelKind::Folder),
        state,
        created: Timestamp::from_micros(row.created),
        next_attempt: (state == State::Pending).then(|| Timestamp::from_micros(row.next_attempt)),
        sent: row.sent.map(Timestamp::from_micros),
        attempt_count: row.attempt_count,
        is_secret_gone: row.has_secret && row.sealed_secret.is_none(),
        category: category(&row.category),
        suppression: row.suppressed,
    }
}

fn read_attempt(row: attempt::Model) -> Attempt {
    let (outcome, detail) = (row.outcome.unwrap_or_default(), row.detail);
    Attempt { started: Timestamp::from_micros(row.started), outcome, detail }
}

/// Spells a state as it is stored.
pub(super) const fn code(state: State) -> i16 {
    match state {
        State::Pending => 0,
        State::Sent => 1,
        State::Parked => 2,
        // What nobody wants is told apart by its reason.
        State::Expired | State::Suppressed => 3,
    }
}

/// Spells how soon a delivery is claimed: the lower, the sooner.
pub(super) const fn urgency(category: Category) -> i16 {
    if category.is_mandatory() { 0 } else { 1 }
}

/// Reads a stored category; a row of a newer version is none of ours to switch off.
pub(super) fn category(name: &str) -> Category {
    Category::parse(name).unwrap_or(Category::Security)
}

/// Reads a stored state; the table holds no others.
const fn state(code: i16) -> State {
    match code {
        0 => State::Pending,
        1 => State::Sent,
        2 => State::Parked,
        _ => State::Expired,
    }
}
