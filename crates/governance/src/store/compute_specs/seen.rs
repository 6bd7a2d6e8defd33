//! Which specs somebody sees: the one place that says so, for reading, listing and changing.

use rolecall_authz::Filter as Organizations;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::Position;
use sea_orm::sea_query::{Expr, Query, SelectStatement, UnionType};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};

use super::STANDING;
use crate::domain::compute_spec::{Sight, State};
use crate::store::entity::compute_spec::{Column, Entity};
use crate::store::entity::compute_spec_part as part;

/// Which specs to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Which {
    /// Of creators of one organization, or all that are seen.
    pub(crate) organization: Option<OrganizationId>,
    /// Only those that are shown in this state, as of a time.
    pub(crate) state: Option<(State, Timestamp)>,
    /// Only those under review, as of a time, whose part of this organization waits for a decision.
    pub(crate) awaiting: Option<(OrganizationId, Timestamp)>,
}

/// The ways by which a spec is seen as a whole, each of which one index answers.
fn whole(sight: &Sight) -> Vec<Condition> {
    let mut ways = Vec::new();
    match sight.all.as_organization_filter() {
        Organizations::All => return vec![Condition::all()],
        Organizations::Organizations(ids) => {
            ways.push(Condition::all().add(Column::OrganizationId.is_in(ids.iter().map(|id| id.as_uuid()))));
        }
        Organizations::Subject(_) | Organizations::Nothing => {}
    }
    if let Some(creator) = sight.created {
        ways.push(Condition::all().add(Column::CreatorId.eq(creator.as_uuid())));
    }
    ways
}

/// The specs that touch datasets of an organization, with such verdicts.
fn touching(organization: OrganizationId, verdict: Option<Expr>) -> SelectStatement {
    let mut query = Query::select();
    query
        .column(part::Column::ComputeSpecId)
        .from(part::Entity)
        .and_where(part::Column::OrganizationId.eq(organization.as_uuid()));
    verdict.into_iter().fold(&mut query, |query, verdict| query.and_where(verdict)).take()
}

/// The specs of which a part is seen, and no more.
fn partial(sight: &Sight, verdict: Option<Expr>) -> Option<Condition> {
    let own = sight.touching?;
    let submitted = Condition::all()
        .add(Column::Submitted.is_not_null())
        .add(Column::ComputeSpecId.in_subquery(touching(own, verdict)));
    let seen_whole = whole(sight).into_iter().fold(Condition::any(), Condition::add);
    Some(if seen_whole.is_empty() { submitted } else { submitted.add(seen_whole.not()) })
}

/// The specs that are seen, at least in part; `None` when there can be none.
pub(super) fn condition(sight: &Sight) -> Option<Condition> {
    let ways = whole(sight).into_iter().chain(partial(sight, None));
    Some(ways.fold(Condition::any(), Condition::add)).filter(|any| !any.is_empty())
}

fn expired(now: Timestamp) -> Condition {
    Condition::all().add(Column::State.is_in(STANDING)).add(Column::Expires.lte(now.as_micros()))
}

fn unexpired(now: Timestamp) -> Condition {
    Condition::any().add(Column::Expires.is_null()).add(Column::Expires.gt(now.as_micros()))
}

/// What is shown whole in a state.
fn in_state(state: State, now: Timestamp) -> Condition {
    let written = Condition::all().add(Column::State.eq(state.name()));
    match state {
        State::Revoked => Condition::any().add(written).add(expired(now)),
        State::Submitted | State::PartlyApproved | State::Approved => written.add(unexpired(now)),
        State::Draft | State::Rejected | State::Withdrawn => written,
    }
}

/// What is shown in part in a state, as `View::state` says it.
fn partial_in_state(sight: &Sight, state: State, now: Timestamp) -> Option<Condition> {
    let verdict = |name: &'static str| Some(part::Column::Verdict.eq(name));
    let standing = || Condition::all().add(Column::State.is_in(STANDING)).add(unexpired(now));
    let is = |state: State| Condition::all().add(Column::State.eq(state.name()));
    match state {
        State::Draft | State::PartlyApproved => None,
        State::Submitted => partial(sight, verdict("WAITING")).map(|part| part.add(standing())),
        State::Approved => partial(sight, verdict("APPROVED")).map(|part| part.add(standing())),
        State::Withdrawn => partial(sight, None).map(|part| part.add(is(State::Withdrawn))),
        State::Rejected => partial(sight, verdict("REJECTED")).map(|part| part.add(is(State::Rejected))),
        State::Revoked => {
            let ended = partial(sight, None)?.add(in_state(State::Revoked, now));
            let elsewhere = partial(sight, Some(part::Column::Verdict.ne("REJECTED")))?.add(is(State::Rejected));
            Some(Condition::any().add(ended).add(elsewhere))
        }
    }
}

/// The ways by which what is meant is seen.
fn ways(sight: &Sight, which: &Which) -> Vec<Condition> {
    match which.state {
        None => whole(sight).into_iter().chain(partial(sight, None)).collect(),
        Some((state, now)) => {
            let whole = whole(sight).into_iter().map(|way| way.add(in_state(state, now)));
            whole.chain(partial_in_state(sight, state, now)).collect()
        }
    }
}

/// The first specs that are meant: of those of each way, which its index gives in order.
pub(super) fn page(sight: &Sight, which: &Which, after: Option<Position>, limit: u64) -> Option<Select<Entity>> {
    let mut meant = Condition::all();
    if let Some(organization) = which.organization {
        meant = meant.add(Column::OrganizationId.eq(organization.as_uuid()));
    }
    if let Some((organization, now)) = which.awaiting {
        let waiting = touching(organization, Some(part::Column::Verdict.eq("WAITING")));
        let under_review = Column::State.is_in(["SUBMITTED", "PARTLY_APPROVED"]);
        meant = meant.add(under_review).add(unexpired(now)).add(Column::ComputeSpecId.in_subquery(waiting));
    }
    if let Some(after) = after {
        meant = meant.add(beyond(after));
    }
    let first = |way: Condition| {
        let rows = Entity::find().filter(way).filter(meant.clone());
        rows.order_by_asc(Column::Created).order_by_asc(Column::ComputeSpecId).limit(limit)
    };
    let mut ways = ways(sight, which);
    if ways.len() < 2 {
        return ways.pop().map(first);
    }
    let ids = ways.into_iter().map(|way| {
        let rows = first(way).select_only().column(Column::ComputeSpecId).into_query();
        Query::select().column(Column::ComputeSpecId).from_subquery(rows, "found").take()
    });
    let ids = ids.reduce(|mut all, way| all.union(UnionType::Distinct, way).take())?;
    Some(first(Condition::all().add(Column::ComputeSpecId.in_subquery(ids))))
}

/// The rows after a position; spelled as a row comparison, which both databases answer from the index.
fn beyond(after: Position) -> Condition {
    let row = Expr::tuple([Expr::col(Column::Created), Expr::col(Column::ComputeSpecId)]);
    let position = Expr::tuple([Expr::value(after.created.as_micros()), Expr::value(after.id)]);
    Condition::all().add(row.gt(position))
}
