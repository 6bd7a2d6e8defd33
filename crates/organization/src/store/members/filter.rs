//! Filters of members as conditions; each term has its index.

use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait as _, Condition, ExprTrait as _};

use super::row::{ACTIVE, PENDING};
use crate::domain::custom_role::RoleName;
use crate::domain::member::MemberState;
use crate::domain::member_filter::{MemberFilter, MemberTerm};
use crate::domain::role::{Role, RoleSet};
use crate::store::entity::member::Column;
use crate::store::entity::{member_role, role};

pub(super) fn condition(filter: &MemberFilter, now: Timestamp) -> Condition {
    let any = |group: &Vec<MemberTerm>| {
        group.iter().fold(Condition::any(), |condition, term| condition.add(self::term(term, now)))
    };
    filter.all.iter().map(any).fold(Condition::all(), Condition::add)
}

fn term(term: &MemberTerm, now: Timestamp) -> Condition {
    let all = Condition::all();
    match term {
        MemberTerm::Role(Role::Owner) => all.add(Column::IsOwner.eq(true)),
        MemberTerm::Role(Role::Admin) => all.add(Column::IsAdmin.eq(true)),
        MemberTerm::Role(role @ (Role::DataScientist | Role::DataSteward | Role::Guest)) => {
            all.add(Column::Roles.is_in(RoleSet::all_with(*role).map(|set| set.names().join(","))))
        }
        MemberTerm::Custom(name) => all.add(Column::UserId.in_subquery(holders(name))),
        MemberTerm::Blocked(true) => all
            .add(Column::BlockReason.is_not_null())
            .add(Condition::any().add(Column::BlockedUntil.is_null()).add(Column::BlockedUntil.gt(now.as_micros()))),
        MemberTerm::Blocked(false) => {
            Condition::any().add(Column::BlockReason.is_null()).add(Column::BlockedUntil.lte(now.as_micros()))
        }
        MemberTerm::State(MemberState::Active) => all.add(Column::State.eq(ACTIVE)),
        MemberTerm::State(MemberState::Pending | MemberState::Hidden) => all.add(Column::State.eq(PENDING)),
    }
}

/// Whoever holds a composed role of this name, in whichever organization: the scope of the list says which.
fn holders(name: &RoleName) -> SelectStatement {
    let role_id = (role::Entity, role::Column::RoleId);
    let of = (member_role::Entity, member_role::Column::RoleId);
    Query::select()
        .column((member_role::Entity, member_role::Column::UserId))
        .from(member_role::Entity)
        .inner_join(role::Entity, sea_orm::sea_query::Expr::col(role_id).equals(of))
        .and_where(sea_orm::sea_query::Expr::col((role::Entity, role::Column::Name)).eq(name.as_str()))
        .to_owned()
}
