//! Pages of accounts: filters and orders as conditions that an index serves.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::page::{Page, PageSize};
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, SimpleExpr};
use sea_orm::{ConnectionTrait, Order, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::entity::user::Column;
use super::user_words;
use super::users::{read, visible};
use crate::domain::fold;
use crate::domain::user::User;
use crate::domain::user_list::{Position, TextField, TimeField, UserFilter, UserKey, UserOrder, UserTerm, Value};

/// Lists accounts within a scope that the filter lets through, after a place in the order.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    filter: &UserFilter,
    order: UserOrder,
    after: Option<&Position>,
    size: PageSize,
) -> Result<Page<User>, Error> {
    let (key, direction) = (key(order.key), if order.descending { Order::Desc } else { Order::Asc });
    let mut found = visible(scope)
        .order_by(key, direction.clone())
        .order_by(Column::UserId, direction)
        .limit(u64::from(size.get()) + 1);
    for group in &filter.all {
        found = found.filter(group.iter().fold(Condition::any(), |any, term| any.add(condition(term))));
    }
    if let Some(after) = after {
        found = found.filter(beyond(key, after, order.descending));
    }
    let users = found.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(users, size))
}

const fn key(key: UserKey) -> Column {
    match key {
        UserKey::Created => Column::Created,
        UserKey::Email => Column::EmailKey,
        UserKey::Name => Column::NameKey,
    }
}

/// What follows a place: compared as a row of values, which the index of the order serves.
fn beyond(key: Column, after: &Position, descending: bool) -> SimpleExpr {
    let value = match &after.value {
        Value::Time(time) => Expr::val(time.as_micros()),
        Value::Text(text) => Expr::val(text.as_str()),
    };
    let row = Expr::tuple([column(key), column(Column::UserId)]);
    let place = Expr::tuple([value, Expr::val(after.user_id.as_uuid())]);
    if descending { row.lt(place) } else { row.gt(place) }
}

fn column(column: Column) -> SimpleExpr {
    Expr::col((super::entity::user::Entity, column))
}

fn condition(term: &UserTerm) -> Condition {
    let all = Condition::all();
    match term {
        UserTerm::Email(email) => all.add(column(Column::EmailKey).eq(email.key())),
        UserTerm::Begins(field, prefix) => begins(column(text(*field)), prefix),
        UserTerm::State(state) => all.add(column(Column::State).eq(state.as_str())),
        UserTerm::From(field, from) => all.add(column(time(*field)).gte(from.as_micros())),
        UserTerm::Before(field, before) => all.add(column(time(*field)).lt(before.as_micros())),
        UserTerm::Words(words) => words
            .iter()
            .fold(all, |all, word| all.add(column(Column::UserId).in_subquery(user_words::beginning_with(word)))),
    }
}

fn begins(key: SimpleExpr, prefix: &str) -> Condition {
    let from = Condition::all().add(key.clone().gte(prefix));
    match fold::above_prefix(prefix) {
        Some(above) => from.add(key.lt(above)),
        None => from,
    }
}

const fn text(field: TextField) -> Column {
    match field {
        TextField::Email => Column::EmailKey,
        TextField::Name => Column::NameKey,
        TextField::GivenName => Column::GivenNameKey,
        TextField::FamilyName => Column::FamilyNameKey,
        TextField::Institution => Column::InstitutionKey,
    }
}

const fn time(field: TimeField) -> Column {
    match field {
        TimeField::Created => Column::Created,
        TimeField::LastLogin => Column::LastLogin,
    }
}
