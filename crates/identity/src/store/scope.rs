//! A scope as part of a WHERE.

use rolecall_authz::{Filter, Scope};
use sea_orm::sea_query::{Expr, ExprTrait as _, IntoColumnRef, SimpleExpr};

/// Compiles a scope into a condition on a row's organization and subject.
pub(super) fn condition(scope: &Scope, organization: impl IntoColumnRef, subject: impl IntoColumnRef) -> SimpleExpr {
    match scope.as_organization_filter() {
        Filter::All => Expr::val(1).eq(1),
        Filter::Organizations(ids) => Expr::col(organization).is_in(ids.iter().map(|id| id.as_uuid())),
        Filter::Subject(id) => Expr::col(subject).eq(id.as_uuid()),
        Filter::Nothing => Expr::val(1).eq(0),
    }
}
